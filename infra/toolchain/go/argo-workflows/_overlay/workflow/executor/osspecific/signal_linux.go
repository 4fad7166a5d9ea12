// Package osspecific lacks its Linux signals in the module as it is served: this file is ours. It gives what the
// package's other files and the emissary call.
package osspecific

import (
	"os"
	"syscall"

	"github.com/argoproj/argo-workflows/v3/util/errors"
)

// Term asks a process to end.
const Term = syscall.SIGTERM

// CanIgnoreSignal says which signals are for the emissary alone: a child ended, or the Go runtime interrupts a thread.
func CanIgnoreSignal(s os.Signal) bool {
	return s == syscall.SIGCHLD || s == syscall.SIGURG
}

// Setpgid makes a command the leader of a process group of its own, so that Kill reaches all that it starts.
func Setpgid(a *syscall.SysProcAttr) {
	a.Setpgid = true
}

// Kill signals the group that a command leads, also when the command itself has ended already.
func Kill(pid int, s syscall.Signal) error {
	if pid <= 1 {
		// Negated, these would be our own group, or every process there is.
		return syscall.ESRCH
	}
	return syscall.Kill(-pid, s)
}

// Wait waits for a command, and reaps whatever else ends meanwhile: as process 1 of a container we inherit the
// children of processes that ended. What the command left running is not waited for, as Kubernetes does not either.
// The process is not released: that would make its Pid -1, and signals are still forwarded to it.
func Wait(process *os.Process) error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return os.NewSyscallError("wait4", err)
		case pid != process.Pid:
			continue
		case status.Signaled():
			return errors.NewExitErr(128 + int(status.Signal()))
		default:
			return errors.NewExitErr(status.ExitStatus())
		}
	}
}
