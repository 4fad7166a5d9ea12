"""Puts the outside systems in their places: the one module that knows every port's real side."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from components.catalog import CATALOG
from controlplane.gate.ports import AUDIENCE, Reviewed, TokenReviewer
from controlplane.gate.service import CachedReviewer
from controlplane.kube.client import Kube
from controlplane.reconcile.service import Reconciler
from controlplane.settings import Settings


class KubeReviewer:
    """Asks the API server about tokens of pods."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def review(self, token: str) -> Reviewed | None:
        """None: not valid for our audience. Raises Temporary where the API server is away."""
        found = self._kube.token_review(token, [AUDIENCE])
        return None if found is None else Reviewed(found.username, found.groups)


def connect(environ: Mapping[str, str] = os.environ) -> Kube:
    """By MLP_KUBECONFIG where it is set, else as the pod's service account."""
    path = environ.get("MLP_KUBECONFIG")
    return Kube.connect(Path(path) if path else None)


def make_reviewer() -> TokenReviewer:
    return CachedReviewer(KubeReviewer(connect()))


def make_reconciler(settings: Settings) -> Reconciler:
    """With the object storage of the facts, and what every installed component adds to a workspace."""
    installed = [component for component in CATALOG if component.name in settings.facts.components]
    return Reconciler(connect(), None, settings.facts, installed)
