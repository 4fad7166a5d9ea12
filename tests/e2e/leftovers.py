"""Lists what an installation left on the machine: processes, mounts, network namespaces, cgroups, folders, routes.

`python -m tests.e2e.leftovers NAME` exits 1 when there is anything. It reads the kernel's own tables and shares no
code with the installer, so that both cannot be wrong alike.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def leftovers(name: str) -> list[str]:
    """One line per thing found."""
    marks = (f"/var/lib/mlp/{name}/", f"/var/lib/mlp/{name} ", f"mlp-{name}-", f"/run/mlp/{name}")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if any(mark in command for mark in marks) and "tests.e2e.leftovers" not in command:
            found.append(f"process {process.name}: {command[:120]}")
    mounts = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    found += [f"mount: {line.split()[4]}" for line in mounts if any(mark in f"{line} " for mark in marks)]
    namespaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    found += [f"network namespace: {line}" for line in namespaces.splitlines() if line.startswith(f"mlp-{name}-")]
    for table in (["ip", "-o", "link"], ["ip", "-o", "addr"], ["ip", "route"]):
        listed = subprocess.run(table, capture_output=True, text=True, check=False).stdout
        found += [f"{' '.join(table)}: {line}" for line in listed.splitlines() if "mlp" in line or "10.250.0." in line]
    found += [f"cgroup: {path}" for path in Path("/sys/fs/cgroup").glob(f"**/mlp-{name}*")]
    found += [f"folder: {path}" for path in (Path(f"/var/lib/mlp/{name}"), Path(f"/run/mlp/{name}")) if path.exists()]
    return found


def main() -> int:
    """Prints what is left."""
    found = leftovers(sys.argv[1])
    sys.stdout.write("".join(f"left: {line}\n" for line in found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
