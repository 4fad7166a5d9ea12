"""Writes the requirement locks anew: hash-pinned, without a registry's address, consistent with each other."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_COMMON = ("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--quiet")
_HERE = ("--universal", "--python-version", "3.11")
_IMAGE = ("--python-version", "3.13", "--python-platform", "linux")

LOCKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("tests", _HERE),
    ("infra", (*_HERE, "-c", "tests/requirements.lock")),
    ("infra/clouds/aws", (*_HERE, "-c", "tests/requirements.lock")),
    ("infra/clouds/azure", (*_HERE, "-c", "tests/requirements.lock")),
    ("infra/clouds/gcp", (*_HERE, "-c", "tests/requirements.lock")),
    ("controlplane", (*_IMAGE, "-c", "tests/requirements.lock")),
    ("controlplane/clouds/azure", (*_IMAGE, "-c", "tests/requirements.lock", "-c", "controlplane/requirements.lock")),
    ("controlplane/clouds/gcp", (*_IMAGE, "-c", "tests/requirements.lock", "-c", "controlplane/requirements.lock")),
    ("components/tracking", _IMAGE),
    ("components/serving", _IMAGE),
    ("components/tracking/azure", (*_IMAGE, "-c", "components/tracking/requirements.lock")),
    ("components/tracking/gcp", (*_IMAGE, "-c", "components/tracking/requirements.lock")),
    (
        "components/training",
        # What TensorFlow names for those who compile it themselves.
        (
            *_IMAGE,
            "-c",
            "components/tracking/requirements.lock",
            "--no-emit-package=libclang",
            "--no-emit-package=wheel",
        ),
    ),
    # Of what a step needs of the SDK, which is for people's machines, only what runs its function.
    ("components/kubeflow_pipelines", (*_IMAGE, "--no-deps")),
    ("components/notebooks", _IMAGE),
    ("components/notebooks/server", (*_IMAGE, "-c", "components/tracking/requirements.lock")),
    *((f"tests/e2e/sdks/packages/{name}", _HERE) for name in ("hera", "katib", "kfp", "kserve", "kubeflow", "mlflow")),
)
"""Folder of requirements.in and requirements.lock → options. The first one decides the versions they share."""

UPON = dict.fromkeys(("components/training", "components/notebooks/server"), "components/tracking/requirements.lock")
"""Folder → the lock of the layer below it in an image, whose packages its own lock leaves out."""
BEGINS_AS = {"components/serving": "components/tracking/requirements.lock"}
"""Folder → the lock whose versions its own keeps where it can: what is trained there is loaded here."""
_NAME = re.compile(r"^([a-z0-9-]+)==", re.MULTILINE)


def left_out(folder: str) -> list[str]:
    """Options that keep what the layer below has out of the folder's lock."""
    below = (ROOT / UPON[folder]).read_text("utf-8") if folder in UPON else ""
    return [f"--no-emit-package={name}" for name in _NAME.findall(below)]


def main() -> int:
    """Compiles every lock in order; stops at the first that fails."""
    uv = Path(sys.executable).with_name("uv")
    jobs = [(folder, "requirements", options) for folder, options in LOCKS]
    jobs.append(("infra", "bootstrap", (*_HERE, "-c", "tests/requirements.lock")))
    for folder, name, options in jobs:
        stem = f"{folder}/{name}"
        if folder in BEGINS_AS:
            shutil.copy(ROOT / BEGINS_AS[folder], ROOT / f"{stem}.lock")
        command = [str(uv), "pip", "compile", *_COMMON, *options, *left_out(folder), f"{stem}.in", "-o", f"{stem}.lock"]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
