"""The profile: everything a person decides about an installation, closed and frozen.

Defaults are the safe ones. What cannot be checked without the machine or the cloud is preflight's business.
Fields whose docstring says "Immutable" cannot change after the first `up` (infra/plan refuses with both values).
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Annotated, Literal, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)

from components.catalog import CATALOG
from components.contract import ComponentSettings
from components.names import SLUG, SLUG_MAX

Target = Literal["local", "existing"]

KUBERNETES_VERSION: Literal["v1.36.3"] = "v1.36.3"
"""The version that the toolchain builds and every test runs on."""


class Closed(BaseModel):
    """Base of every part: unknown keys are errors, values cannot change."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _slug(value: str) -> str:
    if not SLUG.fullmatch(value):
        raise ValueError(f"must be 1 to {SLUG_MAX} lower-case letters, digits, single dashes; a letter first")
    return value


def _cidr(value: str) -> str:
    network = ipaddress.ip_network(value)
    if network.version != 4 or not network.is_private:
        raise ValueError("must be a private IPv4 range such as 10.96.0.0/16")
    return str(network)


def _registry(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)*/", value):
        raise ValueError("must be a host with an optional path, ending in '/', such as registry.example.com/mlp/")
    return value


Slug = Annotated[str, AfterValidator(_slug)]
Cidr = Annotated[str, AfterValidator(_cidr)]
Registry = Annotated[str, AfterValidator(_registry)]
Port = Annotated[int, Field(ge=1024, le=65535)]


class Supply(Closed):
    """Where binaries and images come from."""

    mode: Literal["source"] = "source"
    """`source`: everything built from language and Debian package registries, no image registry needed."""
    registry: Registry = "registry.mlp.internal/"
    """Prefix of every image name. Workspaces may run images below it only. Immutable."""
    delivery: Literal["import", "provided"] = "import"
    """`import`: into the hosts' containerd (clusters made here). `provided`: the nodes have them or can pull them from
    the registry above; `platform images bundle` makes the archive to load or push."""


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

    enabled: bool = True
    settings: ComponentSettings = ComponentSettings()


class _ComponentChoices(Closed):
    def choice(self, name: str) -> ComponentChoice:
        """What the profile says of a component, by the component's name. Raises AttributeError for an unknown one."""
        return cast(ComponentChoice, getattr(self, name.replace("-", "_")))

    def enabled(self) -> tuple[str, ...]:
        """Names of the components that are switched on, in the catalog's order."""
        return tuple(component.name for component in CATALOG if self.choice(component.name).enabled)


def _choice_field(settings: type[ComponentSettings]) -> type[ComponentChoice]:
    """`ComponentChoice` with the component's own settings type, so that errors and the schema name its keys."""
    model: type[ComponentChoice] = create_model(
        f"{settings.__name__}Choice", __base__=ComponentChoice, settings=(settings, settings())
    )
    return model


if TYPE_CHECKING:
    ComponentChoices = _ComponentChoices
else:
    ComponentChoices = create_model(
        "ComponentChoices",
        __base__=_ComponentChoices,
        **{
            component.name.replace("-", "_"): (
                (model := _choice_field(component.settings)),
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
    engine: Engine = Engine()
    components: ComponentChoices = ComponentChoices()
    """Those not named are on with their defaults."""
    first_tenant: FirstTenant | None = FirstTenant()

    @model_validator(mode="after")
    def _sections_match_target(self) -> Self:
        for section in ("local", "existing"):
            if section != self.target and getattr(self, section) is not None:
                raise ValueError(f"section {section!r} belongs to target {section!r}, but target is {self.target!r}")
        if self.target == "local" and self.local is None:
            object.__setattr__(self, "local", Local())
        if self.target == "existing" and self.existing is None:
            object.__setattr__(self, "existing", Existing())
        if self.target == "existing" and self.supply.delivery == "import":
            raise ValueError("supply.delivery 'import' needs a cluster made here; use 'provided'")
        return self

    @model_validator(mode="after")
    def _requirements_enabled(self) -> Self:
        for component in CATALOG:
            if self.components.choice(component.name).enabled:
                missing = [name for name in component.requires if not self.components.choice(name).enabled]
                if missing:
                    raise ValueError(f"component {component.name!r} needs {missing[0]!r}, which is switched off")
        return self
