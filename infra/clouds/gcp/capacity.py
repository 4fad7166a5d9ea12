"""Whether the region has what the profile wants: quotas, zones, machine types, the version of Kubernetes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from infra.clouds.gcp.session import Api
from infra.clusters.gcp.names import gcp_of
from infra.clusters.gcp.shape import Pool, shape
from infra.preflight.model import Finding, Severity
from infra.profile.model import Profile

_GPU_QUOTAS = {
    "nvidia-tesla-t4": "NVIDIA_T4_GPUS",
    "nvidia-l4": "NVIDIA_L4_GPUS",
    "nvidia-tesla-a100": "NVIDIA_A100_GPUS",
    "nvidia-a100-80gb": "NVIDIA_A100_80GB_GPUS",
    "nvidia-h100-80gb": "NVIDIA_H100_GPUS",
    "nvidia-h100-mega-80gb": "NVIDIA_H100_MEGA_GPUS",
    "nvidia-h200-141gb": "NVIDIA_H200_GPUS",
}
_CHANNELS = {"regular": "REGULAR", "stable": "STABLE"}


class Capacity:
    """`installed`: whether the cluster is there, and its nodes are counted in what is used."""

    def __init__(self, api: Api, profile: Profile, *, installed: bool) -> None:
        self._api, self._profile, self._installed = api, profile, installed
        self._gcp, self._shape = gcp_of(profile), shape(profile)
        self._compute = f"/compute/v1/projects/{self._gcp.project}"

    def quotas(self) -> Iterator[Finding]:
        """An error where not even the smallest number of nodes fits, a warning where the largest does not."""
        region = self._api.get("compute", f"{self._compute}/regions/{self._gcp.region}")
        limits = {str(each["metric"]): each for each in region.get("quotas", ())}
        least, most = self._wanted(limits, most=False), self._wanted(limits, most=True)
        for metric in sorted(most):
            if metric not in limits:
                continue
            limit, used = float(limits[metric]["limit"]), float(limits[metric].get("usage", 0))
            free = limit if self._installed else limit - used
            severity: Severity = "error" if least.get(metric, 0) > free else "warning"
            yield Finding(
                "quotas",
                most[metric] <= free,
                f"{metric} in {self._gcp.region}: {limit:g} allowed, {used:g} used, this installation starts with "
                f"{least.get(metric, 0):g} and may grow to {most[metric]:g}",
                f"Ask for more at https://console.cloud.google.com/iam-admin/quotas?project={self._gcp.project}, or "
                "give the pools fewer nodes.",
                severity=severity,
            )

    def machines(self) -> Iterator[Finding]:
        """Zones that are up and have every machine type."""
        for zone in self._shape.zones:
            found = self._api.find("compute", f"{self._compute}/zones/{zone}")
            status = str(found.get("status", "")) if found else "not there"
            if status != "UP":
                yield Finding(
                    "machines", False, f"zone {zone} is {status}", "Name the region's zones in gcp.zone_names."
                )
        missing = sorted((machine, zone) for (machine, zone), found in self._types.items() if found is None)
        for machine, zone in missing:
            yield Finding(
                "machines",
                False,
                f"zone {zone} has no machine type {machine}",
                "Choose another type in gcp.pools, or zones that have it in gcp.zone_names.",
            )
        if not missing:
            names = ", ".join(sorted({machine for machine, _ in self._types}))
            yield Finding("machines", True, f"{', '.join(self._shape.zones)} have {names}")

    def version(self) -> Iterator[Finding]:
        """GKE offers patches of the profile's minor version."""
        path = f"/v1/projects/{self._gcp.project}/locations/{self._gcp.region}/serverConfig"
        config = self._api.get("container", path)
        wanted = _CHANNELS.get(self._gcp.release_channel)
        offered = list(config.get("validMasterVersions", ()))
        if wanted:
            channels = [each for each in config.get("channels", ()) if each.get("channel") == wanted]
            offered = [version for each in channels for version in each.get("validVersions", ())]
        minor = ".".join(self._profile.kubernetes.version.removeprefix("v").split(".")[:2])
        fitting = [version for version in offered if version.startswith(f"{minor}.")]
        channel = f"channel {self._gcp.release_channel}" if wanted else "no channel"
        yield Finding(
            "version",
            bool(fitting),
            f"GKE offers {fitting[0]} ({channel})"
            if fitting
            else f"GKE offers no {minor} in {channel}, but "
            f"{', '.join(sorted({'.'.join(version.split('.')[:2]) for version in offered})) or 'nothing'}",
            "Set gcp.release_channel to one that has it, or install a release of the platform for those versions.",
        )

    @cached_property
    def _types(self) -> Mapping[tuple[str, str], dict[str, Any] | None]:
        machines = dict.fromkeys(pool.machine for pool in self._shape.pools)
        return {
            (machine, zone): self._api.find("compute", f"{self._compute}/zones/{zone}/machineTypes/{machine}")
            for machine in machines
            for zone in self._shape.zones
        }

    def _wanted(self, limits: Mapping[str, Any], *, most: bool) -> Mapping[str, float]:
        wanted: dict[str, float] = defaultdict(float)
        for pool in self._shape.pools:
            nodes = pool.maximum if most else max(pool.minimum, pool.initial * len(self._shape.zones))
            wanted[self._cpu_metric(pool, limits)] += nodes * self._cpus(pool)
            if pool.accelerator:
                kind, count = pool.accelerator
                metric = _GPU_QUOTAS.get(kind, "")
                wanted[f"PREEMPTIBLE_{metric}" if pool.spot else metric] += nodes * count
            wanted["SSD_TOTAL_GB"] += nodes * pool.disk_gib
            wanted["INSTANCES"] += nodes
        wanted["SSD_TOTAL_GB"] += self._gcp.traffic.volumes_gib
        # The way out, and the gateway's.
        wanted["IN_USE_ADDRESSES"] = 1 + self._shape.gateway_public
        return {metric: amount for metric, amount in wanted.items() if metric and amount}

    def _cpus(self, pool: Pool) -> float:
        found = (self._types.get((pool.machine, zone)) for zone in self._shape.zones)
        return float(next((machine["guestCpus"] for machine in found if machine), 0))

    def _cpu_metric(self, pool: Pool, limits: Mapping[str, Any]) -> str:
        """Newer families have a quota of their own; the others share one. Spot nodes have theirs where it is not 0."""
        own = f"{pool.machine.partition('-')[0].upper()}_CPUS"
        metric = own if own in limits else "CPUS"
        spot = limits.get("PREEMPTIBLE_CPUS", {})
        return "PREEMPTIBLE_CPUS" if pool.spot and float(spot.get("limit", 0)) > 0 else metric
