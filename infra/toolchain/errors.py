"""Why a tool could not be had. Each message says the fact, what was expected, and the remedy.

ToolchainError
├── UnknownTool          not in the version list; a mistake of the caller
├── GoMissing            no Go on PATH, and something must be built
├── GoTooOld             it neither is new enough nor may fetch a newer one
├── DebianMissing        no apt-get or dpkg-deb: the machine is not a Debian
├── RegistryUnreachable  a package client could not reach its registry; a retry may help
├── PackageMissing       the registry was reached and does not have it
├── ChecksumMismatch     what the registry sent is not what was pinned
├── DiskFull             space is missing
├── BuildFailed          the compiler, the linker or dpkg refused
├── WrongVersion         what was made says another version than the list
├── NotPinned            a module is asked for that the named go.mod and go.sum do not pin
└── ManifestsInvalid     files of a module are not there, or are no Kubernetes objects
"""

from __future__ import annotations

import re

from infra.toolchain.versions import Spec, wanted

TAIL = 12
"""Lines of a client's own words that an error repeats: the last ones name the cause."""


class ToolchainError(Exception):
    """Shown to the person as it stands: the fact and what was expected, then the remedy."""

    def __init__(self, fact: str, remedy: str = "") -> None:
        super().__init__(f"{fact} {remedy}".strip())
        self.fact = fact
        self.remedy = remedy


class UnknownTool(ToolchainError):
    """Asked for a tool that the version list lacks."""


class GoMissing(ToolchainError):
    """No Go compiler."""


class GoTooOld(ToolchainError):
    """A Go compiler that can't build the pinned modules."""


class DebianMissing(ToolchainError):
    """Debian's package clients are not there."""


class RegistryUnreachable(ToolchainError):
    """The network or a proxy stands between a client and its registry."""


class PackageMissing(ToolchainError):
    """The registry lacks a module or package at the version asked for."""


class ChecksumMismatch(ToolchainError):
    """The registry, or something on the way, gave other bytes than the pinned ones."""


class DiskFull(ToolchainError):
    """No space left, or too little to begin."""


class BuildFailed(ToolchainError):
    """A build ended with an error that is neither network nor disk."""


class WrongVersion(ToolchainError):
    """A finished tool does not say the version it was made at."""


class NotPinned(ToolchainError):
    """A module outside what a folder's go.mod and go.sum pin; a mistake of the caller."""


class ManifestsInvalid(ToolchainError):
    """Files of a module that are not there or do not hold Kubernetes objects."""


_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_DISK = re.compile(r"no space left on device|disk quota exceeded|not enough free space|write error.*space", re.I)
_NETWORK = re.compile(
    r"dial tcp|no such host|i/o timeout|connection (?:refused|reset|timed out)|network is unreachable|TLS handshake|"
    r"x509:|certificate|proxyconnect|context deadline exceeded|Temporary failure (?:in name resolution|resolving)|"
    r"could not (?:resolve|connect)|unable to connect|Failed to fetch|Cannot initiate the connection|"
    r"unexpected EOF|502 Bad Gateway|503 Service|407 Proxy|module lookup disabled",
    re.I,
)
_MISMATCH = re.compile(r"checksum mismatch|^SECURITY ERROR", re.M)
_ABSENT = re.compile(
    r"404 +Not Found|410 +Gone|403 +Forbidden|Unable to locate package|has no installation candidate|"
    r"Version .* was not found|unknown revision|no matching versions|Unable to find a source package",
    re.I,
)


def redacted(text: str) -> str:
    """The text without user names and passwords of addresses: proxies and mirrors carry them."""
    return _USERINFO.sub("", text)


def tail(output: str) -> str:
    """The last lines of what a client printed, redacted, without its progress lines."""
    lines = [line.rstrip() for line in redacted(output).splitlines()]
    kept = [line for line in lines if line and not line.startswith("go: downloading ")]
    return "\n".join(f"  {line}" for line in kept[-TAIL:])


def translate(name: str, client: str, output: str, free: str) -> ToolchainError:
    """What a client's failure means. `client` is its command in words, `free` the space left, such as `1.2 GiB`.

    Absent is asked before network, because clients word a missing package as a failed download.
    """
    said = tail(output) or "  (it said nothing)"
    if _DISK.search(output):
        return DiskFull(
            f"{name}: the disk is full ({free} free). {client} said:\n{said}\n",
            "Free some space or set MLP_CACHE to a folder on another disk, then run the command again: "
            "what was built is kept.",
        )
    if _MISMATCH.search(output):
        return ChecksumMismatch(
            f"{name}: what was fetched is not what is pinned, and was refused. {client} said:\n{said}\n",
            "Find out who changed it: the mirror, a proxy on the way, or the module's own makers after its release.",
        )
    if _ABSENT.search(output):
        return PackageMissing(
            f"{name}: the registry does not have what is pinned. {client} said:\n{said}\n",
            "Check that the mirror in use is complete and current (for Debian: apt-get update), then run again.",
        )
    if _NETWORK.search(output):
        return RegistryUnreachable(
            f"{name}: the registry could not be reached. {client} said:\n{said}\n",
            "Check network, proxy and certificates of this client (platform doctor tries each registry), "
            "then run again: what was built is kept.",
        )
    return BuildFailed(
        f"{name}: {client} failed and said:\n{said}\n",
        "Run again; if it fails the same way, the machine's compiler or its flags differ from what is expected.",
    )


def unknown(name: str, known: tuple[str, ...]) -> UnknownTool:
    """An UnknownTool that lists what there is."""
    return UnknownTool(f"There is no tool named {name!r}.", f"Known: {', '.join(known)}.")


def wrong_version(spec: Spec, said: str) -> WrongVersion:
    """A WrongVersion with both versions."""
    return WrongVersion(
        f"{spec.name}: made at version {wanted(spec)}, but it says {said.strip()[:200] or 'nothing'!r}.",
        "Nothing was put into the cache. Run again; if it repeats, the version list and its module disagree.",
    )
