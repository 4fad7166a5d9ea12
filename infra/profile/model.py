"""The profile: everything a person decides about an installation, closed and frozen.

Defaults are the safe ones. What cannot be checked without the machine or the cloud is preflight's business.
Fields whose docstring says "Immutable" cannot change after the first `up` (infra/plan refuses with both values).
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

from pydantic import ConfigDict, Field, create_model, model_validator

from components.catalog import CATALOG
from components.contract import Component, ComponentSettings
from components.for_cloud import NOT_ON_CLOUDS
from infra.profile.aws import Aws
from infra.profile.azure import Azure
from infra.profile.budget import Budget
from infra.profile.cloud import Cloud
from infra.profile.common import Cidr, Closed, Port, Registry, Slug
from infra.profile.gcp import Gcp
from infra.profile.onprem import Onprem
from infra.profile.state import State

Target = Literal["local", "existing", "onprem", "aws", "gcp", "azure"]
SECTIONS: tuple[Target, ...] = ("local", "existing", "onprem", "aws", "gcp", "azure")
"""Each target's section bears its name; a profile has the one of its target."""

UNSET_REGISTRY = "registry.mlp.internal/"

KUBERNETES_VERSION: Literal["v1.36.3"] = "v1.36.3"
"""The version that the toolchain builds and every test runs on."""


class Supply(Closed):
    """Where binaries and images come from."""

    mode: Literal["source"] = "source"
    """`source`: everything built from language and Debian package registries, no image registry needed."""
    registry: Registry = UNSET_REGISTRY
    """Prefix of every image name; on a cloud, that of the registry that is made there. Workspaces may run images below
    it only. Immutable."""
    delivery: Literal["import", "provided", "push"] = "import"
    """`import`: into the hosts' containerd (clusters made here or over SSH). `push`: to the registry above.
    `provided`: the nodes have them or can pull them from the registry; `platform images bundle` makes the archive."""
    archives: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Paths of OCI image layouts as tar files, whose images are delivered like those made here, with names below the
    registry above; `~` and `$VARIABLES` are expanded."""


class Ports(Closed):
    """Ports on the machine's loopback address."""

    gateway: Port = 8443
    api: Port = 16443


class Ranges(Closed):
    """Address ranges of the cluster; on `local` they exist only inside its hosts' network namespaces. Immutable."""

    pods: Cidr = "10.244.0.0/16"
    services: Cidr = "10.96.0.0/16"
    nodes: Cidr = "10.250.0.0/24"

    @model_validator(mode="after")
    def _disjoint(self) -> Self:
        named = [(name, ipaddress.IPv4Network(getattr(self, name))) for name in ("pods", "services", "nodes")]
        for index, (name, network) in enumerate(named):
            for other, second in named[index + 1 :]:
                if network.overlaps(second):
                    raise ValueError(f"{name} {network} overlaps {other} {second}")
        return self


class Local(Closed):
    """A kubeadm cluster on hosts that are made on this machine."""

    nodes: Annotated[int, Field(ge=1, le=9)] = 1
    """Hosts. The first is the control plane."""
    taint_control_plane: bool = False
    """Keep workloads off the control plane; needs nodes ≥ 2."""
    ports: Ports = Ports()

    @model_validator(mode="after")
    def _room_for_workloads(self) -> Self:
        if self.taint_control_plane and self.nodes < 2:
            raise ValueError("taint_control_plane needs nodes of 2 or more, or no workload could run")
        return self


class Existing(Closed):
    """A cluster that is there already."""

    kubeconfig: str = "~/.kube/config"
    """Path of its kubeconfig; `~` and `$VARIABLES` are expanded."""
    context: str | None = None
    """Context to use; the file's current one by default."""
    storage_class: str = "mlp-local"
    """Class of the platform's volumes; `mlp-local` is what the `volumes` component makes."""
    public_url: str = "https://localhost:8443"
    """Where people reach the gateway."""


class Kubernetes(Closed):
    """What both made and existing clusters have."""

    version: Literal["v1.36.3"] = KUBERNETES_VERSION
    """Version of clusters made here."""
    ranges: Ranges = Ranges()


class Engine(Closed):
    """How Pulumi runs."""

    kubernetes_plugin: Literal["embedded", "official"] = "embedded"
    """`official` needs pulumi-resource-kubernetes on PATH or in the Pulumi home."""


class FirstQuota(Closed):
    """Quota of the first tenant, in Kubernetes quantities."""

    cpu: str = "4"
    memory: str = "8Gi"
    storage: str = "20Gi"
    pods: int = 60


class FirstTenant(Closed):
    """The tenant and workspace that `up` makes, so that the first login finds something."""

    name: Slug = "demo"
    workspace: Slug = "default"
    quota: FirstQuota = FirstQuota()


class ComponentChoice(Closed):
    """A component's switch and settings."""

    # Classes made below have no source in which descriptions could be looked for, which takes a third of a second.
    model_config = ConfigDict(use_attribute_docstrings=False)

    enabled: bool = True
    settings: ComponentSettings = ComponentSettings()


class _ComponentChoices(Closed):
    model_config = ConfigDict(use_attribute_docstrings=False)

    def choice(self, name: str) -> ComponentChoice:
        """What the profile says of a component, by the component's name. Raises AttributeError for an unknown one."""
        return cast(ComponentChoice, getattr(self, name.replace("-", "_")))

    def enabled(self) -> tuple[str, ...]:
        """Names of the components that are switched on, in the catalog's order."""
        return tuple(component.name for component in CATALOG if self.choice(component.name).enabled)


def _choice_field(component: Component[Any]) -> type[ComponentChoice]:
    """`ComponentChoice` with the component's own settings type, so that errors and the schema name its keys."""
    settings: type[ComponentSettings] = component.settings
    model: type[ComponentChoice] = create_model(
        f"{settings.__name__}Choice",
        __base__=ComponentChoice,
        enabled=(bool, component.by_default),
        settings=(settings, settings()),
    )
    globals()[model.__name__] = model  # where pickle looks for it: programs that hold a profile go to other processes
    return model


if TYPE_CHECKING:
    ComponentChoices = _ComponentChoices
else:
    ComponentChoices = create_model(
        "ComponentChoices",
        __base__=_ComponentChoices,
        **{
            component.name.replace("-", "_"): (
                (model := _choice_field(component)),
                Field(default=model(), alias=component.name, description=component.summary),
            )
            for component in CATALOG
        },
    )


class Profile(Closed):
    """One installation."""

    name: Slug
    """Names the installation: its state folder, its hosts. Immutable."""
    target: Target
    """Where the cluster comes from. Immutable."""
    supply: Supply = Supply()
    kubernetes: Kubernetes = Kubernetes()
    local: Local | None = None
    existing: Existing | None = None
    onprem: Onprem | None = None
    aws: Aws | None = None
    gcp: Gcp | None = None
    azure: Azure | None = None
    state: State = State()
    budget: Budget | None = None
    engine: Engine = Engine()
    components: ComponentChoices = ComponentChoices()
    """Those not named have their defaults, and are on unless their description says otherwise."""
    first_tenant: FirstTenant | None = FirstTenant()

    @property
    def cloud(self) -> Cloud | None:
        """The section of the target where that is a cloud."""
        return self.aws or self.gcp or self.azure

    @model_validator(mode="after")
    def _sections_match_target(self) -> Self:
        for section in SECTIONS:
            if section != self.target and getattr(self, section) is not None:
                raise ValueError(f"section {section!r} belongs to target {section!r}, but target is {self.target!r}")
        if self.target == "local" and self.local is None:
            object.__setattr__(self, "local", Local())
        if self.target == "existing" and self.existing is None:
            object.__setattr__(self, "existing", Existing())
        if getattr(self, self.target) is None:
            raise ValueError(f"target {self.target!r} needs a section {self.target!r}")
        return self

    @model_validator(mode="after")
    def _images_reach_nodes(self) -> Self:
        delivery, made_here = self.supply.delivery, self.target in ("local", "onprem")
        if delivery == "import" and not made_here:
            raise ValueError("supply.delivery 'import' needs a cluster made here; use 'push' or 'provided'")
        if self.cloud is not None and self.supply.registry == UNSET_REGISTRY:
            supply = self.supply.model_copy(update={"registry": self.cloud.registry(self.name)})
            object.__setattr__(self, "supply", supply)
        return self

    @model_validator(mode="after")
    def _clouds_keep_the_official_plugin(self) -> Self:
        if self.cloud is not None and "kubernetes_plugin" not in self.engine.model_fields_set:
            object.__setattr__(self, "engine", self.engine.model_copy(update={"kubernetes_plugin": "official"}))
        return self

    @model_validator(mode="after")
    def _managed_on_clouds(self) -> Self:
        for component in CATALOG:
            if self.cloud is None and getattr(self.components.choice(component.name).settings, "managed", False):
                raise ValueError(f"components.{component.name}.settings.managed is for targets that are clouds")
        if self.cloud is not None and self.cloud.domain is None:
            raise ValueError(f"{self.target}.domain is needed: people reach the platform at it, and TLS bears it")
        return self

    @model_validator(mode="after")
    def _requirements_enabled(self) -> Self:
        for component in CATALOG:
            if self.components.choice(component.name).enabled:
                missing = [name for name in component.requires if not self.components.choice(name).enabled]
                if missing:
                    raise ValueError(f"component {component.name!r} needs {missing[0]!r}, which is switched off")
        return self

    @model_validator(mode="after")
    def _components_are_complete(self) -> Self:
        for component in CATALOG:
            choice = self.components.choice(component.name)
            if not choice.enabled:
                continue
            if self.cloud is not None and not component.by_default and component.name in NOT_ON_CLOUDS:
                raise ValueError(f"component {component.name!r} is not for clusters of a cloud yet")
            if found := component.problems(choice.settings, self.supply.registry):
                raise ValueError("; ".join(found))
        return self
