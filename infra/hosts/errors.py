"""What can go wrong with a host.

HostError
├── InvalidHost      the description of a host makes no sense
├── NotOurs          something is in the place of ours that we did not make; nothing was changed
├── PortInUse        a forwarded port belongs to somebody else
├── HostFailed       a host did not start, or ended
├── CommandFailed    a command on a host ended with a code other than 0
├── DeadlinePassed   something did not happen in time; the message ends with what blocks
└── ClusterMismatch  the cluster on a host's disk is not the one that is asked for

Messages state the fact, what was expected, and the remedy; all are for the person who runs `platform`.
"""

from __future__ import annotations

from collections.abc import Sequence


class HostError(Exception):
    """Base of all errors of this package."""


class InvalidHost(HostError):
    """The description of a host makes no sense."""


class NotOurs(HostError):
    """Something is in the place of ours that we did not make. Nothing was changed."""


class PortInUse(HostError):
    """A forwarded port belongs to another process."""


class HostFailed(HostError):
    """A host did not start, or ended."""


class CommandFailed(HostError):
    """A command on a host failed. Only the program's name and the end of its output are in the message."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        self.argv, self.code, self.output = tuple(argv), code, output
        super().__init__(f"{argv[0]} ended with code {code}: {tail(output) or 'it printed nothing'}")


class DeadlinePassed(HostError):
    """Something did not happen in time."""


class ClusterMismatch(HostError):
    """The cluster on a host's disk is not the one that is asked for."""


def tail(text: str, lines: int = 12, width: int = 400) -> str:
    """The last lines of a program's output, blank ones left out, long ones cut."""
    return "\n".join([line.rstrip()[:width] for line in text.splitlines() if line.strip()][-lines:])


def complaints(text: str) -> str:
    """The lines in which kubeadm says what is wrong, or the end of its output where there is none."""
    found = [line.strip() for line in text.splitlines() if "[ERROR" in line or line.startswith("error:")]
    return tail("\n".join(found) or text)
