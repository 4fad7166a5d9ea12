"""The host's view of the file system: its own disk as root, the machine's programs read as its /usr.

Nothing is mounted where the machine could see it, and the machine's other folders cannot be seen from inside.
"""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from infra.hosts import syscalls
from infra.hosts.layout import CNI_BIN_DIR, TOOLS_DIR, Layout
from infra.hosts.model import HostSpec

FOLDERS = {
    "dev": 0o755,
    "etc": 0o755,
    "etc/cni/net.d": 0o755,
    "etc/containerd": 0o755,
    "etc/kubernetes": 0o755,
    "etc/ssl/certs": 0o755,
    "home": 0o755,
    "mnt": 0o755,
    "opt/cni/bin": 0o755,
    "opt/mlp/bin": 0o755,
    "old-root": 0o700,
    "proc": 0o755,
    "root": 0o700,
    "run": 0o755,
    "srv": 0o755,
    "sys": 0o755,
    "tmp": 0o1777,
    "usr": 0o755,
    "var/lib": 0o755,
    "var/log/mlp": 0o755,
    "var/tmp": 0o1777,
}

USR_FOLDERS = ("lib/modules", "libexec/kubernetes", "local/bin")
"""kube-proxy and kubelet expect them; a kernel without modules has none."""

MACHINE_WIDE = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""Settings that kubelet insists on but that have no namespace: it finds them as it wants them in files of the host's
own, and the machine's stay as they are."""


def etc_files(spec: HostSpec, machine_id: str) -> dict[str, str]:
    """Files of the host's /etc that follow from its description."""
    names = "".join(f"{peer.address}\t{peer.name}\n" for peer in spec.peers)
    return {
        "hosts": f"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n{names}",
        "hostname": f"{spec.name}\n",
        "resolv.conf": "# Names outside the cluster are not known here: nothing leaves this host.\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
        "group": "root:x:0:\nnogroup:x:65534:\n",
        "machine-id": f"{machine_id}\n",
    }


def prepare(layout: Layout, spec: HostSpec) -> None:
    """Makes the host's folders and files on its disk; those that are there stay."""
    for folder, mode in FOLDERS.items():
        path = layout.disk / folder
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
    for folder in USR_FOLDERS:
        (layout.usr_upper / folder).mkdir(parents=True, exist_ok=True)
    layout.disk.chmod(0o755)
    for path in (layout.usr_upper, *(below for below in layout.usr_upper.rglob("*") if below.is_dir())):
        path.chmod(0o755)
    shutil.rmtree(layout.usr_work, ignore_errors=True)
    layout.usr_work.mkdir()
    identity = layout.disk / "etc" / "machine-id"
    machine_id = identity.read_text(encoding="utf-8").strip() if identity.exists() else uuid.uuid4().hex
    for name, content in etc_files(spec, machine_id).items():
        _write(layout.disk / "etc" / name, content)
    for name, content in spec.files.items():
        layout.inside(name).parent.mkdir(parents=True, exist_ok=True)
        _write(layout.inside(name), content)
    _empty(layout.disk / "tmp")
    _link(layout.disk / "var" / "run", "/run")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        source = Path("/") / name
        if source.is_symlink():
            _link(layout.disk / name, str(source.readlink()))
        elif source.is_dir():
            (layout.disk / name).mkdir(exist_ok=True)


def _write(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")
    path.chmod(0o644)


def _link(path: Path, target: str) -> None:
    if not path.is_symlink():
        path.symlink_to(target)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def enter(layout: Layout, spec: HostSpec) -> None:
    """Makes the host's disk the root of the calling process. It must have a mount and PID namespace of its own.

    Afterwards nothing of the machine's file system is left to it, so it must have imported all that it needs.
    """
    disk = str(layout.disk)
    syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount(disk, disk, flags=syscalls.MS_BIND)
    _programs(layout)
    for folder in spec.folders:
        _bind_read_only(folder, layout.inside(folder))
    for name, path in tool_mounts(spec).items():
        _bind_read_only(path, layout.disk / name.lstrip("/"))
    for name in ("etc/alternatives", "etc/ld.so.cache", "etc/os-release"):
        if (Path("/") / name).exists():
            _bind_read_only(os.path.realpath(Path("/") / name), layout.disk / name)
    syscalls.mount("/dev", f"{disk}/dev", flags=syscalls.MS_BIND | syscalls.MS_REC)
    if (layout.disk / "dev/shm").is_dir():
        syscalls.mount(
            "tmpfs", str(layout.disk / "dev/shm"), "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=1777,size=64m"
        )
    syscalls.mount("tmpfs", f"{disk}/run", "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=755")
    _system(disk)
    os.chdir(disk)
    syscalls.pivot_root(".", "old-root")
    os.chdir("/")
    syscalls.unmount("/old-root", syscalls.MNT_DETACH)
    syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_SHARED)
    _machine_wide_settings()


def _programs(layout: Layout) -> None:
    """/usr of the machine with the host's own changes above it; the rest of an unmerged file system as it is."""
    options = f"lowerdir=/usr,upperdir={layout.usr_upper},workdir={layout.usr_work}"
    syscalls.mount("overlay", f"{layout.disk}/usr", "overlay", options=options)
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        if (layout.disk / name).is_dir() and not (layout.disk / name).is_symlink():
            _bind_read_only(f"/{name}", layout.disk / name)


def _system(disk: str) -> None:
    """/proc and /sys of the new namespaces. The control groups stay the machine's: a fresh /sys would hide them."""
    hardened = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    syscalls.mount("proc", f"{disk}/proc", "proc", hardened)
    syscalls.mount("sysfs", f"{disk}/sys", "sysfs", hardened)
    syscalls.mount("/sys/fs/cgroup", f"{disk}/sys/fs/cgroup", flags=syscalls.MS_BIND | syscalls.MS_REC)


def tool_mounts(spec: HostSpec) -> dict[str, str]:
    """Where each tool shows inside → its file on the machine."""
    return {
        f"{CNI_BIN_DIR}/{name.removeprefix('cni/')}" if name.startswith("cni/") else f"{TOOLS_DIR}/{name}": path
        for name, path in spec.tools.items()
    }


def _bind_read_only(source: str, target: Path) -> None:
    if Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        if target.is_symlink():
            target.unlink()
        target.touch()
    syscalls.mount(source, str(target), flags=syscalls.MS_BIND)
    flags = syscalls.MS_BIND | syscalls.MS_REMOUNT | syscalls.MS_RDONLY
    syscalls.mount("none", str(target), flags=flags)


def _machine_wide_settings() -> None:
    folder = Path("/run/mlp/settings")
    folder.mkdir(parents=True)
    for name, value in MACHINE_WIDE.items():
        setting = Path("/proc/sys") / name
        if setting.exists() and setting.read_text(encoding="utf-8").strip() != value:
            own = folder / name.replace("/", "-")
            own.write_text(f"{value}\n", encoding="utf-8")
            syscalls.mount(str(own), str(setting), flags=syscalls.MS_BIND)
