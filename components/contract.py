"""The component contract: what every folder below components/ gives.

A component is one frozen `Component` named `COMPONENT` in its package, made of pure functions. Adding one is adding
a folder and a line in `components/catalog.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from components.facts import PlatformFacts
from components.images import Image
from components.managed import Managed

KubernetesObject = dict[str, Any]
"""A complete Kubernetes object as plain data: apiVersion, kind, metadata, and the rest."""


class ComponentSettings(BaseModel):
    """Base of a component's settings in the profile: closed, frozen, every field with a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=ComponentSettings)


@dataclass(frozen=True)
class Upstream:
    """Objects that a pinned Go module brings beside the code that is built from it: custom resource definitions, roles,
    webhooks. They are read from the module's folder at exactly the version that the toolchain pins."""

    name: str
    """Under which `Install.upstream` has them."""
    pinned_by: str
    """Folder below infra/toolchain/go whose go.mod pins the module."""
    module: str
    """Path of the Go module, such as `sigs.k8s.io/kueue`."""
    files: tuple[str, ...]
    """Globs of YAML files, relative to the module's folder."""


@dataclass(frozen=True)
class ServerName:
    """A certificate to be made for servers inside the cluster, such as an admission webhook."""

    name: str
    """Under which `Install.certificates` has it."""
    hosts: tuple[str, ...]
    """DNS names that it is valid for."""


@dataclass(frozen=True)
class ServerCertificate:
    """PEM texts. Clients trust `ca`: the installation's own authority, also where people are shown a public one."""

    ca: str
    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class Install:
    """What a component's objects may depend on. Nothing here is read from a clock, a socket or a random source."""

    facts: PlatformFacts
    """Facts known before the components are rendered, with every endpoint of the components it requires."""
    images: Mapping[str, str]
    """Image name → full reference."""
    secrets: Mapping[str, str]
    """Name → value of every secret that an installed component or the control plane names. Names are unique in an
    installation and begin with their owner (`database-tracking-password`); a component also reads those of what it
    requires. Made once by the installer, kept encrypted in state."""
    managed: Managed | None = None
    """What a cloud runs instead of components; their settings then say `managed`."""
    upstream: Mapping[str, tuple[KubernetesObject, ...]] = field(default_factory=dict)
    """`Upstream.name` → its objects. A name is missing only in plans made before anything was fetched; whoever installs
    has all of them."""
    certificates: Mapping[str, ServerCertificate] = field(default_factory=dict)
    """`ServerName.name` → its certificate, kept by the installer and renewed before it ends."""


@dataclass(frozen=True)
class Workspace:
    """One workspace as a component sees it."""

    tenant: str
    name: str
    namespace: str
    features: frozenset[str] = frozenset()
    suspended: bool = False


@dataclass(frozen=True)
class Tenant:
    """One tenant as a component sees it: its limits over all of its workspaces."""

    slug: str
    cpu: int
    """Millicores."""
    memory: int
    """Bytes."""
    gpus: Mapping[str, int] = field(default_factory=dict)
    """Extended resource → count."""
    suspended: bool = False
    workspaces: tuple[Workspace, ...] = ()


@dataclass(frozen=True)
class ObjectRef:
    """Names one object of the cluster."""

    api_version: str
    kind: str
    namespace: str | None
    name: str


def _none(*_: Any) -> tuple[Any, ...]:
    return ()


def _no_facts(*_: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Component(Generic[S]):
    """One thing that `platform up` installs."""

    name: str
    version: str
    summary: str
    """One line for `platform status` and the docs."""
    settings: type[S]
    requires: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """Components that are installed before this one where they are there at all: it works without them."""
    optional: bool = False
    """Whether the platform works without it: where it cannot be installed, everything else still is."""
    feature: bool = False
    """Whether workspaces get it only where they ask for it; its name is the feature's."""
    by_default: bool = True
    """Whether it is installed where the profile says nothing of it."""
    problems: Callable[[S, str], tuple[str, ...]] = _none
    """What is wrong with its settings beyond their types, in sentences, asked where it is switched on. The text is the
    prefix of images that workspaces may run."""
    named_images: Callable[[S], tuple[str, ...]] = _none
    """Full references of images that its settings name, and that are not made here."""
    images: Callable[[S], tuple[Image, ...]] = _none
    secrets: tuple[str, ...] = ()
    """Names of secrets (random, 32 bytes, URL-safe) that the installer makes for this component."""
    facts: Callable[[S], dict[str, Any]] = _no_facts
    """What this component adds to PlatformFacts: field name → value. Names and ports only, known before install."""
    upstream: tuple[Upstream, ...] = ()
    """What its objects need of pinned Go modules."""
    server_names: tuple[ServerName, ...] = ()
    """Certificates that the installer makes for servers of this component."""
    objects: Callable[[S, Install], tuple[KubernetesObject, ...]]
    """Every object of the component in apply order, its Namespace first. Pure; inputs stay unchanged."""
    workspace_objects: Callable[[Workspace, PlatformFacts], tuple[KubernetesObject, ...]] = _none
    """What each workspace gets from this component, without labels of ownership (the control plane adds those)."""
    tenant_objects: Callable[[Tenant, PlatformFacts], tuple[KubernetesObject, ...]] = _none
    """What each tenant gets from this component beyond single workspaces: cluster-scoped objects, and those of its
    workspaces that belong to them; without labels of ownership. The kinds are the same for every tenant."""
    ready: Callable[[S], tuple[ObjectRef, ...]] = _none
    """Workloads whose rollout proves that the component works; `platform status` shows the first that does not."""
