"""Brings libraries that several Go tools are compiled from to one version, so that Go compiles them once for all.

The cluster's own module decides: what it requires, the others require at the same version. Kubernetes' client libraries
have few releases among the modules, each the newest that all of its users compile with.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

MODULES = Path(__file__).resolve().parents[2] / "infra/toolchain/go"
CLUSTER = "kubernetes"
CLIENTS = {
    "kube-router": "",
    "local-path-provisioner": "",
    "jobset": "v0.35.2",
    "trainer": "v0.35.2",
    "argo-workflows": "v0.34.3",
    "katib": "v0.34.3",
    "kserve": "v0.34.3",
    "kueue": "v0.34.3",
    "training-operator": "v0.34.3",
}
"""Module → its release of Kubernetes' client libraries; empty for the cluster's own. controller-runtime follows them
by some months; KServe, Kueue and Argo Workflows as pinned here do not compile with later ones than 0.34."""

_REQUIRED = re.compile(r"^(?:require )?\s*(\S+) (v\S+)(?: // indirect)?$", re.MULTILINE)
_RELEASED = re.compile(r"^\s*(\S+) => \S+ v\S+$", re.MULTILINE)


def required(module: str) -> dict[str, str]:
    """Library → the version at which the module's go.mod requires it."""
    return dict(_REQUIRED.findall((MODULES / module / "go.mod").read_text("utf-8")))


def wanted(module: str) -> dict[str, str]:
    """Library → the version at which the module should require it, if it requires it at all."""
    of_cluster = required(CLUSTER)
    if not (client := CLIENTS[module]):
        return of_cluster
    released = _RELEASED.findall((MODULES / CLUSTER / "go.mod").read_text("utf-8"))
    return {**of_cluster, **dict.fromkeys(released, client)}


def differing(module: str) -> dict[str, tuple[str, str]]:
    """Library → the version that the module requires, and the one it should."""
    have, want = required(module), wanted(module)
    return {library: (have[library], want[library]) for library in have.keys() & want if have[library] != want[library]}


def align(module: str) -> None:
    """Changes go.mod and go.sum. Raises CalledProcessError where versions can't be had together."""
    folder, environ = MODULES / module, {**os.environ, "GOFLAGS": "-mod=mod", "GOWORK": "off"}
    changes = [f"{library}@{want}" for library, (_, want) in sorted(differing(module).items())]
    for command in (["get", *changes], ["mod", "tidy"]) if changes else (["mod", "tidy"],):
        subprocess.run(["go", *command], cwd=folder, env=environ, check=True)


def main() -> int:
    """Aligns the modules. Gives 1, and says what, where one of them needs a newer version than the cluster has."""
    unlike = False
    for module in CLIENTS:
        align(module)
        for library, (have, want) in sorted(differing(module).items()):
            unlike = True
            sys.stderr.write(f"{module} needs {library} {have}, the others have {want}: raise it in {CLUSTER}\n")
    return int(unlike)


if __name__ == "__main__":
    sys.exit(main())
