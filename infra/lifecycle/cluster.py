"""The cluster of an installation: made on this machine, or asked what it is."""

from __future__ import annotations

from collections.abc import Mapping

from infra.clusters import onprem
from infra.clusters.existing import existing_cluster
from infra.clusters.local import LocalCluster, host_tools
from infra.clusters.outputs import ClusterOutputs, from_engine
from infra.clusters.programs import cluster_program
from infra.engine.engine import Engine
from infra.engine.model import OnEvent, Program
from infra.lifecycle import supplies
from infra.lifecycle.authorities import fetch_authority, kept_authority
from infra.lifecycle.names import CLUSTER_STACK
from infra.profile.model import Local, Profile
from infra.supply import references
from infra.supply.model import ImageSet
from infra.toolchain.model import Tool


def make_cluster(
    profile: Profile, engine: Engine, tools: Mapping[str, Tool], images: ImageSet, on_event: OnEvent
) -> ClusterOutputs:
    """The cluster, made or repaired where it is ours. Raises EngineError or ClusterError."""
    if profile.existing is not None:
        ranges = profile.kubernetes.ranges
        return existing_cluster(
            profile.existing.kubeconfig, profile.existing.context, ranges.pods, ranges.services, ranges.nodes
        )
    fetch_authority(profile)
    program = cluster_stack(profile, tools, images)
    return from_engine(engine.up(CLUSTER_STACK, program, on_event=on_event, refresh=True).outputs)


def cluster_stack(profile: Profile, tools: Mapping[str, Tool], images: ImageSet) -> Program:
    """The program of the stack `cluster` of a target that makes one. Raises ClusterError where an SDK is missing."""
    if profile.cloud is not None:
        paths = {references.repository(image.reference, profile.supply.registry) for image in images}
        return cluster_program(profile, kept_authority(profile), paths)
    if profile.onprem is not None:
        supply = supplies.supply(profile)
        return onprem.program(profile, tools, images, supply.store.root, supply.architecture)
    return local_cluster(profile, profile.local or Local(), tools, images)


def local_cluster(profile: Profile, local: Local, tools: Mapping[str, Tool], images: ImageSet) -> LocalCluster:
    """The Pulumi program of the cluster on this machine."""
    ranges = profile.kubernetes.ranges
    supply = supplies.supply(profile)
    return LocalCluster(
        installation=profile.name,
        nodes=local.nodes,
        tainted=local.taint_control_plane,
        pods=ranges.pods,
        services=ranges.services,
        hosts=ranges.nodes,
        api_port=local.ports.api,
        gateway_port=local.ports.gateway,
        kubernetes_version=profile.kubernetes.version,
        registry=profile.supply.registry,
        tools=host_tools(tools),
        images=images,
        store=supply.store.root,
        architecture=supply.architecture,
    )
