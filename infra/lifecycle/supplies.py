"""The tools and images that a profile needs, and getting them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.contract import Component, ComponentSettings, KubernetesObject, Upstream
from components.images import GoBinary, Image
from components.tracking.images import workspace_image
from components.tracking.settings import TrackingSettings
from infra.clouds.opening import registry_login
from infra.clusters.local import HOST_TOOLS
from infra.installation.home import cache_root, expanded
from infra.lifecycle.runner import Say
from infra.profile.model import Profile
from infra.supply.given import distinct, joined
from infra.supply.kubernetes_images import kubernetes_images, virtual_address_image
from infra.supply.model import ImageSet, SupplyEvent
from infra.supply.push import push
from infra.supply.source import SourceSupply
from infra.toolchain.model import Finding, Progress, Tool
from infra.toolchain.service import Toolchain
from infra.toolchain.upstream import UpstreamObjects

PROJECT_ROOT = Path(__file__).resolve().parents[2]

MADE_HERE = ("local", "onprem")
"""Targets whose clusters are kubeadm on hosts that get their binaries and images from here."""

_ALWAYS = ("pulumi", "kubectl", "uv", "mmdebstrap")

Chosen = Sequence[tuple[Component[Any], ComponentSettings]]


def wanted_images(profile: Profile, components: Chosen) -> list[Image]:
    """Every image of the installation; the cluster's own where it is made here."""
    images = [image for component, settings in components for image in component.images(settings)]
    cluster = list(kubernetes_images()) if profile.target in MADE_HERE else []
    if profile.onprem is not None and profile.onprem.virtual_address is not None:
        cluster.append(virtual_address_image())
    unique = {image.name: image for image in (*cluster, workspace_image(TrackingSettings()), *images)}
    return list(unique.values())


def wanted_tools(profile: Profile, images: Sequence[Image]) -> list[str]:
    """Every tool of the installation: what `up` runs, what hosts run, and what goes into images."""
    inside = [layer.tool for image in images for layer in image.layers if isinstance(layer, GoBinary)]
    host = HOST_TOOLS if profile.target in MADE_HERE else ()
    return list(dict.fromkeys((*_ALWAYS, *host, *inside)))


def tool_findings(profile: Profile, images: Sequence[Image]) -> list[Finding]:
    """What is to be done for every tool of the installation."""
    return Toolchain(cache_root()).inspect(wanted_tools(profile, images))


def seconds_of(findings: Sequence[Finding]) -> float:
    """How long it usually takes to make what is missing."""
    return sum(finding.seconds for finding in findings)


def get_tools(names: Sequence[str], say: Say) -> dict[str, Tool]:
    """All the tools; `say` tells which is being made and how many are there. Raises ToolchainError."""
    done: set[str] = set()

    def report(progress: Progress) -> None:
        if progress.state == "done":
            done.add(progress.tool)
        if progress.state in ("fetching", "building", "extracting"):
            usual = f", usually {progress.expected:.0f} s" if progress.expected >= 1 else ""
            say(f"{progress.state} {progress.tool} ({len(done)} of {len(names)} there{usual})")

    return Toolchain(cache_root()).ensure(names, report)


def get_upstream(components: Chosen, say: Say) -> dict[str, tuple[KubernetesObject, ...]]:
    """What pinned modules bring for the components, by name. Raises ToolchainError."""
    wanted = _upstream(components)
    return UpstreamObjects(cache_root()).ensure(
        wanted, lambda progress: say(f"{progress.state} the objects of {progress.tool}")
    )


def kept_upstream(components: Chosen) -> dict[str, tuple[KubernetesObject, ...]]:
    """The same as far as it was fetched before; asks nobody."""
    return UpstreamObjects(cache_root()).kept(_upstream(components))


def _upstream(components: Chosen) -> list[Upstream]:
    return [each for component, _ in components for each in component.upstream]


def supply(profile: Profile) -> SourceSupply:
    """The image supply of this machine."""
    return SourceSupply(cache_root(), Toolchain(cache_root()), PROJECT_ROOT, profile.supply.registry)


def push_images(profile: Profile, images: ImageSet, say: Say) -> int:
    """Puts the images into the profile's registry; gives the bytes sent. Raises PushFailed or CloudError."""

    def report(event: SupplyEvent) -> None:
        if event.state == "started":
            say(f"pushing {event.subject} ({event.size >> 20} MiB at most)")

    ordered = sorted(images, key=lambda image: image.reference)
    return push(supply(profile).store, ordered, lambda: registry_login(profile), report)


def given_images(profile: Profile) -> ImageSet:
    """What is in the profile's archives; nothing is taken out of them. Raises BadArchive or CorruptBlob."""
    paths = archives(profile)
    return distinct(supply(profile).look(paths)) if paths else ImageSet({})


def archives(profile: Profile) -> tuple[Path, ...]:
    """The profile's image archives, each once."""
    return tuple(dict.fromkeys(expanded(path) for path in profile.supply.archives))


def build_images(profile: Profile, images: Sequence[Image], say: Say) -> ImageSet:
    """Takes what is new out of the profile's archives, then builds what changed. Gives both. Raises SupplyError."""

    def taking(event: SupplyEvent) -> None:
        if event.state == "started":
            say(f"taking images out of {event.subject} ({event.size >> 20} MiB)")

    def building(event: SupplyEvent) -> None:
        if event.state in ("waiting", "started"):
            say(f"{event.state}: {event.subject}" if event.state == "waiting" else f"building {event.subject}")

    source = supply(profile)
    given = source.take(archives(profile), taking)
    return joined(source.build(images, building), given)
