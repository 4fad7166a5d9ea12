"""Puts the outside systems in their places: the one module that knows every port's real side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from components.catalog import CATALOG
from components.names import PEOPLE_SERVICE_ACCOUNT, SYSTEM_NAMESPACE, TUNING
from components.serving.names import NAME as SERVING
from components.storage.objects import ROOT_USER
from controlplane.clouds.opening import open_cloud
from controlplane.contents.cluster import Cluster
from controlplane.experiments.keeper import SearchKeeper
from controlplane.gate import uses
from controlplane.gate.endpoints import CachedEndpoints
from controlplane.gate.ports import AUDIENCE, AccessReviewer, Minted, Reviewed, TokenReviewer
from controlplane.gate.service import CachedReviewer
from controlplane.gate.serving import EndpointGate
from controlplane.gate.tokens import PeopleTokens
from controlplane.kube.client import Kube
from controlplane.kube.people import PeopleKube
from controlplane.kube.transport import Patience
from controlplane.outside import Outside
from controlplane.reconcile.model import Drift, WorkspaceStorage
from controlplane.reconcile.people import PeopleRole
from controlplane.reconcile.service import Reconciler
from controlplane.reconcile.tenants import TenantReconciler
from controlplane.reconcile.watch import DriftWatcher
from controlplane.runtime import Runtime
from controlplane.serving.endpoints import Endpoint, endpoint
from controlplane.serving.follower import INFERENCE_SERVICE, AliasFollower
from controlplane.serving.keeper import SleepKeeper
from controlplane.settings import Settings, SettingsError
from controlplane.storage.credentials import Credentials
from controlplane.storage.service import S3Storage
from controlplane.tracking.calls import Calls
from controlplane.tracking.client import Tracking
from controlplane.tracking.registry import Registry
from controlplane.tracking.runs import Runs

_TOKEN_SECONDS = 600
_CALLERS_WAIT = Patience(timeout=2.0, total=3.0, attempts=2)
"""For what a call waits for and can do without."""


class KubeReviewer:
    """Asks the API server about tokens of pods."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def review(self, token: str) -> Reviewed | None:
        """None: not valid for our audience. Raises Temporary where the API server is away."""
        found = self._kube.token_review(token, [AUDIENCE])
        return None if found is None else Reviewed(found.username, found.groups)


class KubeEndpoints:
    """Reads model endpoints."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def endpoints(self, namespace: str) -> Iterator[Endpoint]:
        """Raises a KubeError where the API server is away or knows no such kind."""
        return map(endpoint, self._kube.list(INFERENCE_SERVICE, namespace))


class KubeMinter:
    """Makes tokens of the account that speaks for people."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def mint(self) -> Minted:
        """Of the shortest life that the API server gives."""
        return Minted(
            self._kube.token_request(SYSTEM_NAMESPACE, PEOPLE_SERVICE_ACCOUNT, _TOKEN_SECONDS), _TOKEN_SECONDS
        )


def connect(environ: Mapping[str, str] = os.environ, patience: Patience | None = None) -> Kube:
    """By MLP_KUBECONFIG where it is set, else as the pod's service account."""
    path = environ.get("MLP_KUBECONFIG")
    return Kube.connect(Path(path) if path else None, patience=patience)


def connect_as_nobody(environ: Mapping[str, str] = os.environ) -> Kube:
    """To the same API server, without credentials."""
    path = environ.get("MLP_KUBECONFIG")
    return Kube.nobody(Path(path) if path else None)


def make_reviewer(kube: Kube) -> TokenReviewer:
    return CachedReviewer(KubeReviewer(kube))


def make_outside(settings: Settings, kube: Kube, people: PeopleTokens) -> Outside:
    """What people's requests may reach. `people` gives the token with which objects are made in their names."""
    maker = PeopleKube(connect_as_nobody(), people.token)
    return Outside(cluster=Cluster(kube, people=maker), tracking=make_tracking(settings))


def make_tracking(settings: Settings) -> Tracking | None:
    """None where there is no tracking server, or this process was not given the secret of its hop."""
    endpoint, secret = settings.facts.tracking, settings.tracking_secret
    return Tracking(endpoint.url, secret.get_secret_value()) if endpoint and secret else None


def make_people_tokens(kube: Kube) -> PeopleTokens:
    return PeopleTokens(KubeMinter(kube))


def make_endpoint_gate(runtime: Runtime, access: AccessReviewer) -> EndpointGate:
    """Without model endpoints there are none to look for."""
    if SERVING not in runtime.settings.facts.components:
        return EndpointGate(access)
    endpoints = CachedEndpoints(KubeEndpoints(connect(patience=_CALLERS_WAIT)))
    return EndpointGate(access, endpoints, uses=uses.into(runtime))


def make_watch(on_drift: Callable[[Drift], None]) -> DriftWatcher:
    """The watch on every workspace, with a client of its own."""
    return DriftWatcher(connect(), on_drift)


def make_people_role() -> PeopleRole:
    """The role that speaks for people, with a client of its own."""
    return PeopleRole(connect())


def make_follower(settings: Settings) -> AliasFollower | None:
    """With a client of its own. None where there are no model endpoints, or no MLflow to ask."""
    tracking, secret = settings.facts.tracking, settings.tracking_secret
    if SERVING not in settings.facts.components or tracking is None or secret is None:
        return None
    return AliasFollower(connect(), Registry(Calls(tracking, secret.get_secret_value())))


def make_sleep_keeper(runtime: Runtime) -> SleepKeeper | None:
    """With a client of its own. None where there are no model endpoints."""
    return SleepKeeper(connect(), runtime) if SERVING in runtime.settings.facts.components else None


def make_searches(settings: Settings) -> SearchKeeper | None:
    """With a client of its own. None where there is no tuning, or no MLflow to tell."""
    tracking, secret = settings.facts.tracking, settings.tracking_secret
    if TUNING not in settings.facts.components or tracking is None or secret is None:
        return None
    calls = Calls(tracking, secret.get_secret_value())
    return SearchKeeper(connect(), Runs(calls), Registry(calls))


def make_reconciler(settings: Settings) -> Reconciler:
    """With the object storage of the facts, and what every installed component adds to a workspace."""
    installed = [component for component in CATALOG if component.name in settings.facts.components]
    return Reconciler(connect(), make_storage(settings), settings.facts, installed)


def make_tenant_reconciler(settings: Settings) -> TenantReconciler:
    """With what every installed component gives tenants."""
    installed = [component for component in CATALOG if component.name in settings.facts.components]
    return TenantReconciler(connect(), settings.facts, installed)


def make_storage(settings: Settings) -> WorkspaceStorage | None:
    """The cloud's, the S3 server's, or None: the installation has no object storage.

    SettingsError where it has the S3 server and a secret is missing.
    """
    facts = settings.facts
    if facts.cloud is not None:
        return open_cloud(facts.cloud, facts.installation)
    if facts.storage is None or facts.storage_admin is None:
        return None
    if settings.storage_root_secret is None or settings.storage_key is None:
        raise SettingsError("MLP_STORAGE_ROOT_SECRET_FILE and MLP_STORAGE_KEY_FILE must be set where there is storage")
    return S3Storage(
        url=facts.storage.url,
        admin_url=facts.storage_admin.url,
        region=facts.storage_region,
        root=Credentials(ROOT_USER, settings.storage_root_secret.get_secret_value()),
        key=settings.storage_key.get_secret_value().encode(),
    )
