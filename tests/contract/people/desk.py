"""The machine of a person of these tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.contract.people.conftest import Front
from tests.servers.binaries import find

ROOT = Path(__file__).resolve().parents[3]


class Desk:
    """A person's machine: the platform's command line and kubectl, and a sign-in."""

    def __init__(self, front: Front, folder: Path, account: str) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / "ca.crt").write_text(front.system.runtime.settings.facts.ca_certificate)
        script = folder / "bin" / "platform"
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -m infra.cli.main "$@"\n')
        script.chmod(0o755)
        self.environment = {
            "PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "PYTHONPATH": str(ROOT),
            "MLP_HOME": str(folder / "homes"), "MLP_URL": front.system.runtime.settings.public_url,
            "MLP_TOKEN": front.system.token(account), "MLP_CA_FILE": str(folder / "ca.crt"),
        }  # fmt: skip

    def run(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, capture_output=True, text=True, timeout=120, check=False, env={**self.environment, **changes}
        )

    def kubeconfig(self, *words: str) -> tuple[Path, str]:
        """The file that `platform kubeconfig` prints, and what it said to standard error."""
        done = self.run("platform", "kubeconfig", *words)
        assert done.returncode == 0, done.stderr
        path = self.folder / f"config-{len(list(self.folder.glob('config-*')))}"
        path.write_text(done.stdout)
        return path, done.stderr

    def kubectl(self, config: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(find("kubectl")), f"--kubeconfig={config}", f"--cache-dir={self.folder}", *words, **changes)
