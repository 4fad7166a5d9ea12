"""Profile, cluster and images → the facts that components and the control plane are told. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from components.catalog import CATALOG
from components.contract import Component, ComponentSettings
from components.database import managed as managed_database
from components.facts import PlatformFacts
from components.for_cloud import CloudKind, belongs, settings_for_cloud
from components.kubeflow_pipelines.images import DATABASE_IMAGE, STEP_IMAGE
from components.notebooks.images import NOTEBOOK_IMAGE
from components.serving.images import SERVING_IMAGE
from components.tracking.images import WORKSPACE_IMAGE_NAME
from components.training.names import TRAINING_IMAGE
from infra.profile.model import Profile
from infra.profile.notebooks import notebooks_host

if TYPE_CHECKING:  # it brings Pulumi, which most commands never need
    from infra.clusters.outputs import ClusterOutputs

VERSION = "0.1.0"
"""Version of the platform itself, as in pyproject.toml (a test keeps them alike)."""


GPU = "nvidia.com/gpu"
"""What a pod asks for, and what taints the nodes that have it, on every cloud. Which kind a node has is its label."""


def chosen_components(profile: Profile) -> list[tuple[Component[Any], ComponentSettings]]:
    """The enabled components that are for the target, with their settings, in the catalog's order; on a cloud, as the
    cloud needs them."""
    enabled = profile.components.enabled()
    chosen = [(component, profile.components.choice(component.name).settings) for component in CATALOG]
    kind = cloud_kind(profile)
    chosen = [(c, settings) for c, settings in chosen if c.name in enabled and belongs(c.name, kind)]
    return chosen if kind is None else [(c, settings_for_cloud(c, settings, kind)) for c, settings in chosen]


def cloud_kind(profile: Profile) -> CloudKind | None:
    """The target where it is a cloud."""
    return profile.target if profile.target in ("aws", "gcp", "azure") else None


def public_url(profile: Profile) -> str:
    """Where people reach the gateway."""
    if profile.local is not None:
        return f"https://localhost:{profile.local.ports.gateway}"
    if profile.existing is not None:
        return profile.existing.public_url
    if profile.onprem is not None:
        return profile.onprem.public_url
    if profile.cloud is not None:
        return f"https://{profile.cloud.domain}"
    raise AssertionError("a profile has the section of its target")


def notebooks_domain(profile: Profile) -> str:
    """Below which every notebook server has a host name, with the port where it is not 443; empty without notebooks."""
    parts = urlsplit(public_url(profile))
    domain = notebooks_host(profile, parts.hostname or "localhost")
    return f"{domain}:{parts.port}" if domain and parts.port else domain


def platform_facts(
    profile: Profile,
    cluster: ClusterOutputs,
    images: Mapping[str, str],
    ca_certificate: str,
    components: Sequence[tuple[Component[Any], ComponentSettings]],
) -> PlatformFacts:
    """The complete facts; what a component says of itself wins.

    Raises pydantic's ValidationError where components give facts that do not exist.
    """
    known: dict[str, Any] = {
        "installation": profile.name,
        "target": profile.target,
        "version": VERSION,
        "kubernetes_version": profile.kubernetes.version,
        "public_url": public_url(profile),
        "registry": profile.supply.registry,
        "workspace_image": images[WORKSPACE_IMAGE_NAME],
        "storage_class": profile.existing.storage_class if profile.existing else "",
        "network": cluster.network,
        "components": tuple(component.name for component, _ in components),
        "ca_certificate": ca_certificate,
    }
    if cluster.managed is not None:
        managed = cluster.managed
        known |= {"cloud": managed.cloud, "storage_class": managed.storage_class}
        known["database"] = managed_database.endpoint(managed.database)
        known["gpu_classes"] = (GPU,)
    if SERVING_IMAGE in images:
        known["serving_image"] = images[SERVING_IMAGE]
    if DATABASE_IMAGE in images:
        known |= {"kubeflow_database_image": images[DATABASE_IMAGE], "kubeflow_step_image": images[STEP_IMAGE]}
    if TRAINING_IMAGE in images:
        known["training_image"] = images[TRAINING_IMAGE]
    if domain := notebooks_domain(profile):
        known |= {"notebooks_domain": domain, "notebook_image": images[NOTEBOOK_IMAGE]}
    for component, settings in components:
        known |= component.facts(settings)
    return PlatformFacts(**known)
