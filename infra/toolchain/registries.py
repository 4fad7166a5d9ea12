"""Can the package registries be reached? Asked through their ordinary clients, at whatever addresses those are set to.

Each probe fetches something small for real, into a folder that is removed, within a short time.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain.errors import redacted, tail
from infra.toolchain.processes import Children

SECONDS = 20.0
"""For one probe, its client's own retries included."""
PROBE_MODULE = "golang.org/x/sync@v0.10.0"
PROBE_WHEEL = "packaging"
PROBE_PACKAGE = "netbase"

_ANSWERED = (200, 401, 403)
"""A registry that wants a login has been reached."""


@dataclass(frozen=True)
class Reach:
    """Whether one registry answered. `message` repeats its client's last words where it did not."""

    registry: str
    ok: bool
    message: str
    seconds: float
    remedy: str = ""


def registries(
    container_registries: Sequence[str] = (), search: str | None = None, python: str = sys.executable
) -> list[Reach]:
    """Go modules, Python packages, Debian packages, and the container registries named (`host[:port]`), at once.

    `search` is the PATH of the clients, `python` the interpreter whose pip is asked.
    """
    path = os.environ.get("PATH", os.defpath) if search is None else search
    children = Children()
    probes: list[tuple[str, Callable[[Path], str], str]] = [
        (
            "Go modules",
            lambda scratch: _go(children, path, scratch),
            "Set GOPROXY (GONOSUMDB where a mirror lacks checksums) with `go env -w`, or a proxy in the environment.",
        ),
        (
            "Python packages",
            lambda scratch: _pip(children, python, scratch),
            "Set index-url, proxy or cert with `pip config set`, or the proxy in the environment.",
        ),
        (
            "Debian packages",
            lambda scratch: _apt(children, path, scratch),
            "Run apt-get update and read what it says; mirrors are in /etc/apt, a proxy in Acquire::http::Proxy.",
        ),
        *(
            (
                f"Container registry {redacted(address)}",
                lambda _, address=address: _container(address),
                "Not needed with supply `source`. Otherwise set a proxy, or a mirror in the profile.",
            )
            for address in container_registries
        ),
    ]
    with ThreadPoolExecutor(max_workers=len(probes)) as pool:
        return list(pool.map(lambda probe: _timed(*probe), probes))


def _timed(registry: str, probe: Callable[[Path], str], remedy: str) -> Reach:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mlp-probe-", ignore_cleanup_errors=True) as scratch:
        try:
            problem = probe(Path(scratch))
        except TimeoutError:
            problem = f"no answer within {SECONDS:g} s"
        except OSError as cause:
            problem = str(cause)
    seconds = round(time.monotonic() - began, 1)
    return Reach(registry, not problem, problem or "reached", seconds, remedy if problem else "")


def _go(children: Children, search: str, scratch: Path) -> str:
    go = shutil.which("go", path=search)
    if go is None:
        return "there is no go on PATH"
    env = {**os.environ, "GOMODCACHE": str(scratch), "GOFLAGS": "-mod=mod -modcacherw", "GOWORK": "off"}
    return _words(children, [go, "list", "-m", PROBE_MODULE], env, scratch)


def _pip(children: Children, python: str, scratch: Path) -> str:
    argv = [python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--retries", "0"]
    return _words(children, [*argv, "--timeout", "8", "--dest", str(scratch), PROBE_WHEEL], dict(os.environ), scratch)


def _apt(children: Children, search: str, scratch: Path) -> str:
    apt = shutil.which("apt-get", path=search)
    if apt is None:
        return "there is no apt-get on PATH"
    options = ["Acquire::Retries=0", "Acquire::http::Timeout=8", "Acquire::https::Timeout=8"]
    if os.geteuid() == 0:
        options.append("APT::Sandbox::User=root")
    flags = [part for option in options for part in ("-o", option)]
    return _words(children, [apt, *flags, "-qq", "download", PROBE_PACKAGE], {**os.environ, "LC_ALL": "C"}, scratch)


def _words(children: Children, argv: list[str], env: dict[str, str], scratch: Path) -> str:
    result = children.run(argv, env=env, cwd=scratch, timeout=SECONDS)
    return "" if result.code == 0 else tail(result.err or result.out).strip() or f"it failed with code {result.code}"


def _container(address: str) -> str:
    request = urllib.request.Request(f"https://{address}/v2/", method="GET")
    try:
        with urllib.request.urlopen(request, timeout=8):  # noqa: S310
            return ""
    except urllib.error.HTTPError as answer:
        return "" if answer.code in _ANSWERED else f"it answered {answer.code}"
    except urllib.error.URLError as cause:
        return redacted(str(cause.reason))
