"""A host over SSH, by the OpenSSH client: people's agents, jump hosts and settings work as in their own terminal.

Connections are shared between commands (ControlMaster). Whatever a person's configuration says, a host's key must be
known already, nothing is asked and no agent is forwarded.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.hosts.errors import CommandFailed, DeadlinePassed, HostFailed, tail
from infra.hosts.layout import ADMIN_CONF, PATH
from infra.hosts.transport import Completed, Input, ShellFiles
from infra.installation.home import expanded

CONNECT_SECONDS = 8
ATTEMPTS = 3
"""Of a connection. A command that may have begun is never repeated."""
PAUSES = (1.0, 3.0)
SESSION_SECONDS = 60
"""A shared connection ends when it was not used for so long."""
GRACE_SECONDS = 10.0
"""How long a command that is ended on the host may take to end."""
ENVIRONMENT_FILE = "/opt/mlp/etc/environment"
"""On the host, `NAME=value` in shell's words: what the pushed tools need."""

_CLIENT_FAILED = 255
_TIMED_OUT = (124, 137)
"""Codes of `timeout` on the host: the command was ended, or had to be killed."""


@dataclass(frozen=True)
class SshTarget:
    """How to reach a host. Keys and known hosts are paths of files on this machine; `~` is expanded."""

    address: str
    port: int = 22
    user: str = "root"
    """Anybody else needs `sudo` without a password."""
    key_file: str | None = None
    """None: the agent's keys and the client's own defaults."""
    known_hosts: str = "~/.ssh/known_hosts"

    @property
    def place(self) -> str:
        """For messages."""
        return f"{self.user}@{self.address}:{self.port}"


class ConnectionRefused(HostFailed):
    """No command could be run: the host is not there, is another one, or does not let us in."""


class Unreachable(ConnectionRefused):
    """Nothing answers, so trying again may help."""


def client_argv(target: SshTarget, sockets: Path, log: Path, program: str = "ssh") -> list[str]:
    """The client's command line up to the command. `log` takes what the client itself says."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(expanded(target.known_hosts)),
        "GlobalKnownHostsFile": "/dev/null",
        "UpdateHostKeys": "no",
        "VerifyHostKeyDNS": "no",
        "ConnectTimeout": str(CONNECT_SECONDS),
        "ConnectionAttempts": "1",
        "ServerAliveInterval": "10",
        "ServerAliveCountMax": "3",
        "ControlMaster": "auto",
        "ControlPath": f"{sockets}/{trust(target)}-%C",
        "ControlPersist": str(SESSION_SECONDS),
        "ClearAllForwardings": "yes",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "PermitLocalCommand": "no",
        "RequestTTY": "no",
        "LogLevel": "ERROR",
    }
    words = [program, "-E", str(log)]
    for name, value in options.items():
        words += ["-o", f'{name}="{value}"' if " " in value else f"{name}={value}"]
    if target.key_file is not None:
        words += ["-i", str(expanded(target.key_file))]
    return [*words, "-p", str(target.port), "-l", target.user, "--", target.address]


def trust(target: SshTarget) -> str:
    """Changes with the keys that are known and shown, so that no connection is shared that others opened."""
    digest = hashlib.sha256()
    for path in (target.known_hosts, target.key_file):
        file = expanded(path) if path is not None else None
        digest.update(f"{file}\0".encode())
        with contextlib.suppress(OSError):  # the client itself says what is wrong with it
            digest.update(file.read_bytes() if file is not None else b"")
        digest.update(b"\0")
    return digest.hexdigest()[:10]


_RUN = (
    'set -a; if [ -r "$1" ]; then . "$1"; fi; set +a; '
    'PATH="$2"; KUBECONFIG="$3"; HOME=/root; LANG=C.UTF-8; KUBECACHEDIR=/run/mlp/kubectl; '
    "export PATH KUBECONFIG HOME LANG KUBECACHEDIR; "
    'limit="$4"; shift 4; cd /; exec timeout -k 5 "$limit" "$@"'
)


def remote_command(target: SshTarget, argv: Sequence[str], timeout: float) -> str:
    """The command as the host's shell gets it. It is ended on the host after `timeout` seconds, whatever becomes of
    the connection."""
    given = [ENVIRONMENT_FILE, PATH, ADMIN_CONF, f"{max(timeout, 1):.0f}", *argv]
    words = ["/bin/sh", "-c", _RUN, "run", *given]
    return shlex.join(words if target.user == "root" else ["sudo", "-n", "--", *words])


_REASONS: tuple[tuple[str, type[ConnectionRefused], str], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        ConnectionRefused,
        "its host key is not the one in {known_hosts}. It was installed anew, or somebody stands between. Compare the "
        "key's fingerprint on the host's console; if it is right: ssh-keygen -f {known_hosts} -R '{entry}', then add "
        "the new one",
    ),
    (
        r"Host key verification failed|No .* host key is known",
        ConnectionRefused,
        "its host key is not known, and nothing is trusted on first use. Get it (ssh-keyscan -p {port} {address}), "
        "compare its fingerprint on the host's console, and add it to {known_hosts}",
    ),
    (
        r"Permission denied|Too many authentication failures",
        ConnectionRefused,
        "it does not let {user} in with {key}. Put the public key into that user's authorized_keys on the host",
    ),
    (
        r"Bad owner or permissions|UNPROTECTED PRIVATE KEY|invalid format|error in libcrypto",
        ConnectionRefused,
        "{key} cannot be used: {said}",
    ),
    (
        r"Could not resolve hostname",
        ConnectionRefused,
        "its name is not known here. Write an IPv4 address, or let this machine's resolver know the name",
    ),
    (
        r"connect to host|kex_exchange_identification|Connection timed out|No route to host|banner exchange",
        Unreachable,
        "nothing answers there ({said}). Is the host on, sshd running, and the port open for this machine?",
    ),
)
"""Pattern of what the client says → (kind of failure, what it means and what to do)."""


def failure(target: SshTarget, said: str) -> HostFailed:
    """What the client's own words mean. A connection that broke while it was used is plain HostFailed."""
    words = tail(said, lines=2).replace("\n", "; ") or "the client said nothing"
    values = {
        "known_hosts": str(expanded(target.known_hosts)),
        "entry": target.address if target.port == 22 else f"[{target.address}]:{target.port}",
        "key": f"key {target.key_file}" if target.key_file else "any key of the agent",
        "user": target.user,
        "port": str(target.port),
        "address": target.address,
        "said": words,
    }
    for pattern, kind, meaning in _REASONS:
        if re.search(pattern, said):
            return kind(f"SSH to {target.place} failed: {meaning.format(**values)}.")
    return HostFailed(f"the SSH connection to {target.place} broke: {words}. Start the command again; it goes on.")


def sockets_folder() -> Path:
    """Where shared connections have their sockets: short, because a socket's path must be, and nobody else's."""
    folder = Path(tempfile.gettempdir()) / f"mlp-ssh-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise HostFailed(f"{folder} must be a folder of yours that nobody else can enter: remove it, then try again.")
    return folder


class SshTransport(ShellFiles):
    """A host over SSH, as root or by `sudo -n`."""

    def __init__(
        self,
        host: str,
        target: SshTarget,
        *,
        program: str = "ssh",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._host, self.target, self._program, self._sleep = host, target, program, sleep

    @property
    def host(self) -> str:
        return self._host

    def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
        """As Transport says; ConnectionRefused (a HostFailed) where no command could be run."""
        for pause in (*PAUSES[: ATTEMPTS - 1], None):
            try:
                return self._once(argv, stdin, timeout, check)
            except Unreachable:
                if pause is None:
                    raise
                self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, argv: Sequence[str], stdin: Input, timeout: float, check: bool) -> Completed:
        began = time.monotonic()
        with tempfile.NamedTemporaryFile(prefix="mlp-ssh-", suffix=".log") as log:
            command = client_argv(self.target, sockets_folder(), Path(log.name), self._program)
            done = self._execute([*command, remote_command(self.target, argv, timeout)], argv[0], stdin, timeout)
            said = log.read().decode(errors="replace")
        if done.code == _CLIENT_FAILED and said.strip():
            raise failure(self.target, said)
        if done.code in _TIMED_OUT and time.monotonic() - began >= max(timeout, 1):
            raise DeadlinePassed(self._late(argv[0], timeout, done.errors))
        if self.target.user != "root" and done.code == 1 and done.errors.startswith("sudo: "):
            raise ConnectionRefused(
                f"{self.target.user} on {self.host} cannot use sudo without a password ({tail(done.errors, 1)}). Allow "
                f"it there: echo '{self.target.user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{self.target.user}"
            )
        if check and done.code != 0:
            raise CommandFailed(argv, done.code, done.errors or done.text)
        return done

    def _execute(self, command: Sequence[str], name: str, stdin: Input, timeout: float) -> Completed:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise HostFailed(f"{self._program} is not on this machine's PATH: install the OpenSSH client.") from None
        limit = timeout + GRACE_SECONDS + CONNECT_SECONDS
        try:
            output, errors = process.communicate(stdin if isinstance(stdin, bytes) else None, limit)
        except subprocess.TimeoutExpired:
            _end(process)
            raise DeadlinePassed(self._late(name, timeout, "")) from None
        except BaseException:
            _end(process)
            raise
        return Completed(process.returncode, output, errors.decode(errors="replace"))

    def _late(self, name: str, timeout: float, errors: str) -> str:
        return f"{name} on {self.host} took longer than {timeout:.0f} s: {tail(errors) or 'it printed nothing'}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the client alone: the process that keeps the shared connection for the others is in its group."""
    process.kill()
    process.communicate()
