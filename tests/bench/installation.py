"""`python -m tests.bench.installation [NAME]`: what an installation on this machine took and takes, one figure a line.

Times are those that `platform up` recorded of its steps; memory is the host's control group without file pages that the
kernel would drop first (the working set, as the kubelet counts it). Prints nothing but a notice where there is none.
"""

from __future__ import annotations

import sys
from pathlib import Path

from infra.installation.home import Home
from infra.installation.record import read_record

MIB = 2**20


def working_set(name: str) -> int | None:
    """Bytes in use by every process and kernel object of the installation's hosts; None where no host runs."""
    total = 0
    for group in Path("/sys/fs/cgroup").glob(f"memory/mlp-{name}-*"):
        stat = dict(line.split() for line in (group / "memory.stat").read_text("ascii").splitlines())
        total += int((group / "memory.usage_in_bytes").read_text("ascii")) - int(stat["total_inactive_file"])
    for group in Path("/sys/fs/cgroup").glob(f"mlp-{name}-*"):
        stat = dict(line.split() for line in (group / "memory.stat").read_text("ascii").splitlines())
        total += int((group / "memory.current").read_text("ascii")) - int(stat["inactive_file"])
    return total or None


def main() -> None:
    """Prints the figures of the installation named on the command line, else of `local`."""
    home = Home(sys.argv[1] if len(sys.argv) > 1 else "local")
    if not home.exists:
        sys.stdout.write(f"installation {home.name}: not there\n")
        return
    record = read_record(home)
    for step, entry in record.steps.items():
        sys.stdout.write(f"installation {home.name}: step {step}: last runs {entry.times} s\n")
    memory = working_set(home.name)
    if memory:
        sys.stdout.write(f"installation {home.name}: idle working set {memory // MIB} MiB (budget 3072)\n")


if __name__ == "__main__":
    main()
