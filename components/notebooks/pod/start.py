"""Entry point of a notebook server: prepares the home, then becomes JupyterHub's single-user server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

WELCOME = Path(__file__).with_name("welcome.ipynb")
_MARK = ".mlp-welcomed"
"""Says that the welcome notebook was given once: who deletes it does not get it again."""
_CLONE_SECONDS = 120
ARGUMENTS = (
    # A cookie of a person who lost access is good for this long at most.
    "--HubOAuth.cache_max_age=10",
    # Kernels without work end by themselves; their notebooks stay.
    "--MappingKernelManager.cull_idle_timeout=3600",
    "--MappingKernelManager.cull_interval=120",
    # No shutting down by the page, no updates of extensions from the internet.
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=",
    "--LabApp.extension_manager=readonly",
)


def welcome(home: Path) -> None:
    """Places the welcome notebook in a home that is new."""
    mark = home / _MARK
    if not mark.exists():
        shutil.copyfile(WELCOME, home / WELCOME.name)
        mark.touch()


def clone(home: Path, repository: str) -> None:
    """Clones the repository beside what is there; where that fails, a file says why and the server starts anyway."""
    name = repository.rstrip("/").rpartition("/")[2].removesuffix(".git") or "repository"
    target, note = home / name, home / f"{name}.clone-failed.txt"
    if target.exists():
        return
    command = ["git", "clone", "--depth=1", "--", repository, str(target)]
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=_CLONE_SECONDS
        )
        reason = done.stderr.strip() if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if reason:
        shutil.rmtree(target, ignore_errors=True)
        note.write_text(f"{repository} was not cloned:\n{reason}\n", "utf-8")
    else:
        note.unlink(missing_ok=True)


def main() -> None:
    """This process becomes the server; with `clone <address>` it only clones."""
    home = Path(os.environ["HOME"])
    if sys.argv[1:2] == ["clone"]:
        clone(home, sys.argv[2])
        return
    welcome(home)
    if repository := os.environ.pop("MLP_REPOSITORY", ""):
        # Beside the server, which need not wait for it.
        subprocess.Popen([sys.executable, "-m", "components.notebooks.pod.start", "clone", repository])
    os.chdir(home)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterhub.singleuser", *ARGUMENTS])  # noqa: S606 - a list, no shell


if __name__ == "__main__":
    main()
