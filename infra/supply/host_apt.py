"""Where this machine gets Debian packages from: its own apt sources for another release, proxies and certificates.

Nothing here enters an image: settings and sources are handed to apt while building and never written below its root.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from infra.supply.errors import BuildFailed

MIRROR_VARIABLE = "MLP_DEBIAN_MIRROR"
"""Names the Debian mirror to use where this machine's own sources are not Debian's (another distribution)."""

_KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg")
_TARGET = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
_CREDENTIAL_FILES = 'Dir::Etc::netrc "/etc/apt/auth.conf";\nDir::Etc::netrcparts "/etc/apt/auth.conf.d";\n'
_TAKEN = re.compile(r"Acquire::(?:https?|Retries|ForceIPv[46]|Check-Date|Check-Valid-Until)\b", re.IGNORECASE)
"""What of the machine's apt settings is used: how to reach the registry. Never what weakens its signatures."""


def source_lines(release: str) -> list[str]:
    """Lines of a sources.list for `release` on the mirror that this machine itself uses.

    Raises BuildFailed where neither the machine's sources nor MLP_DEBIAN_MIRROR name a Debian mirror.
    """
    if mirror := os.environ.get(MIRROR_VARIABLE):
        return translate([f"{mirror}|host|main"], "host", release, _keyring())
    answer = subprocess.run(
        ["apt-get", "indextargets", "--format", _TARGET, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = translate(
        answer.stdout.splitlines(), host_release(Path("/etc/os-release").read_text()), release, _keyring()
    )
    if not lines:
        raise BuildFailed(
            "This machine's apt sources name no Debian mirror, and images need one. "
            f"Set {MIRROR_VARIABLE} to the address of a Debian mirror that holds {release!r}."
        )
    return lines


def translate(targets: Iterable[str], host: str, release: str, keyring: str | None) -> list[str]:
    """`<address>|<suite>|<component>` of the host's release → the same suites of `release`, main only, in order."""
    option = f"[signed-by={keyring}] " if keyring else ""
    lines: dict[str, None] = {}
    for target in targets:
        address, suite, component = target.split("|")
        if component == "main" and (suite == host or suite in (f"{host}-updates", f"{host}-security")):
            lines[f"deb {option}{address} {release}{suite.removeprefix(host)} main"] = None
    return list(lines)


def host_release(os_release: str) -> str:
    """The code name in /etc/os-release where the machine runs Debian; empty for others, whose sources are no use."""
    values = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line)
    if values.get("ID", "").strip('"') != "debian":
        return ""
    return values.get("VERSION_CODENAME", "").strip('"')


def reach_settings() -> str:
    """This machine's apt settings for proxies, certificates, credentials (by file) and retries, in apt's syntax."""
    answer = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False, timeout=60)
    taken = "".join(
        f"{line}\n" for line in answer.stdout.splitlines() if _TAKEN.match(line) and not line.endswith(' "";')
    )
    return taken + _CREDENTIAL_FILES


def _keyring() -> str | None:
    return next((path for path in _KEYRINGS if Path(path).exists()), None)
