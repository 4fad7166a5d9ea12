"""Runs the programs that build layers, and says in our words what went wrong with them.

Every program dies with this process, however it ends, and runs in namespaces of its own where it works on a root.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.supply.errors import BuildFailed, DiskFull, LockMismatch, NeedsRoot, RegistryUnreachable, SupplyError

TIMEOUT = 1800
"""Seconds for one program. The slowest seen is the Debian base with 46 s; slow mirrors need many times that."""

CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}
"""The whole environment of a program inside a root."""

_DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
_ISOLATED = ("unshare", "--mount", "--propagation", "private", "--pid", "--ipc", "--uts", "--fork", "--kill-child")
_KEPT_VARIABLES = re.compile(
    r"(?:https?|no|all|ftp)_proxy|SSL_CERT_(?:FILE|DIR)|HOME|PATH|TMPDIR|XDG_(?:CONFIG|CACHE)_HOME"
    r"|UV_(?:DEFAULT_INDEX|EXTRA_INDEX_URL|INDEX.*|FIND_LINKS|CACHE_DIR|CONFIG_FILE|HTTP_.*|INSECURE_HOST|KEYRING_PROVIDER"
    r"|NATIVE_TLS|SYSTEM_CERTS|OFFLINE)",
    re.IGNORECASE,
)

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")

_CAUSES: tuple[tuple[str, type[SupplyError], str], ...] = (
    (
        r"Hash mismatch for|hashes? .*(?:do not|don't|does not) match|In `--require-hashes` mode",
        LockMismatch,
        "The lock and what the package registry serves disagree. Write the lock anew and review the change.",
    ),
    (
        r"no wheels? (?:with|for)|has no (?:usable )?wheels?|Building source distributions .* is disabled",
        LockMismatch,
        "The lock names a package that has no wheel for the images' Python. Choose another version and lock again.",
    ),
    (
        r"No space left on device",
        DiskFull,
        "Free some disk space or set MLP_CACHE to a folder on a larger disk (a full set with its work takes about "
        "4 GiB), then run again: finished layers are kept.",
    ),
    (
        r"Temporary failure resolving|Could not (?:resolve|connect)|Failed to fetch|Unable to connect"
        r"|Connection (?:refused|timed)|error sending request|dns error|client error|Certificate verification failed",
        RegistryUnreachable,
        "Check that this machine reaches its package registries (`platform doctor`), then run again: "
        "finished layers are kept.",
    ),
)
"""What a program's output means, most telling first. tests/unit/supply holds a recorded sample of each."""


def require_root() -> None:
    if os.geteuid() != 0:
        raise NeedsRoot(
            "Images with Debian or Python layers are built in a root folder of their own, which needs root. "
            "Run as root, or load a bundle made elsewhere with `platform images bundle`."
        )


def run(command: Sequence[str], what: str, env: Mapping[str, str], cwd: Path | None = None) -> str:
    """Runs `command` and gives its output. `what` is the layer's name for messages. Raises a SupplyError."""
    return _run([*_DIE_WITH_PARENT, *command], what, env, cwd)


def run_isolated(command: Sequence[str], what: str, env: Mapping[str, str], network: bool = True) -> str:
    """As `run`, as first process of PID, mount, IPC and UTS namespaces: what it mounts or starts ends with it."""
    without_network = () if network else ("--net",)
    return _run([*_DIE_WITH_PARENT, *_ISOLATED, *without_network, "--", *command], what, env, None)


def host_environment() -> dict[str, str]:
    """What a program that talks to a registry may know of this machine: proxies, certificates, uv's indexes."""
    return {key: value for key, value in os.environ.items() if _KEPT_VARIABLES.fullmatch(key)}


def _run(command: Sequence[str], what: str, env: Mapping[str, str], cwd: Path | None) -> str:
    try:
        done = subprocess.run(
            command,
            env=dict(env),
            cwd=cwd or "/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise RegistryUnreachable(
            f"Making {what} took longer than {TIMEOUT} s and was stopped. "
            "Check that this machine reaches its package registries (`platform doctor`), then run again."
        ) from error
    except FileNotFoundError as error:
        raise BuildFailed(f"Making {what} needs the program {error.filename!r}, which is not installed.") from error
    if done.returncode != 0:
        raise explain(what, done.stdout)
    return done.stdout


def explain(what: str, output: str) -> SupplyError:
    """The error that a failed program's output stands for, with the end of it; addresses lose their credentials."""
    said = _CREDENTIALS.sub("", "\n".join(output.strip().splitlines()[-12:]))
    for pattern, kind, remedy in _CAUSES:
        if re.search(pattern, output):
            return kind(f"Making {what} failed. {remedy}\n{said}")
    return BuildFailed(f"Making {what} failed.\n{said}")
