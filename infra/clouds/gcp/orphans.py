"""What bears an installation's label, or one of its names, though the installation is gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from infra.clouds.gcp.session import Api
from infra.clouds.model import Orphan
from infra.clusters.gcp.names import LABEL_INSTALLATION, gcp_of, names
from infra.profile.model import Profile

_FOR_EVER = frozenset(
    {
        "cloudkms.googleapis.com/CryptoKey",
        "cloudkms.googleapis.com/CryptoKeyVersion",
        "cloudkms.googleapis.com/ImportJob",
        "cloudkms.googleapis.com/KeyRing",
    }
)
"""Nobody can delete these; what they cost ends with their versions, which `down` destroys."""

_COMMANDS: Mapping[str, str] = {
    "artifactregistry.googleapis.com/Repository": "gcloud artifacts repositories delete {name} --location={location}",
    "compute.googleapis.com/Address": "gcloud compute addresses delete {name} --region={location}",
    "compute.googleapis.com/Disk": "gcloud compute disks delete {name} --zone={location}",
    "compute.googleapis.com/Firewall": "gcloud compute firewall-rules delete {name}",
    "compute.googleapis.com/ForwardingRule": "gcloud compute forwarding-rules delete {name} --region={location}",
    "compute.googleapis.com/Instance": "gcloud compute instances delete {name} --zone={location}",
    "compute.googleapis.com/Network": "gcloud compute networks delete {name}",
    "compute.googleapis.com/Router": "gcloud compute routers delete {name} --region={location}",
    "compute.googleapis.com/Snapshot": "gcloud compute snapshots delete {name}",
    "compute.googleapis.com/Subnetwork": "gcloud compute networks subnets delete {name} --region={location}",
    "container.googleapis.com/Cluster": "gcloud container clusters delete {name} --location={location}",
    "dns.googleapis.com/ManagedZone": "gcloud dns managed-zones delete {name}",
    "iam.googleapis.com/ServiceAccount": "gcloud iam service-accounts delete {name}",
    "sqladmin.googleapis.com/Instance": "gcloud sql instances delete {name}",
    "storage.googleapis.com/Bucket": "gcloud storage rm --recursive gs://{name}",
}


def orphans(api: Api, profile: Profile) -> list[Orphan]:
    """By Cloud Asset Inventory, which may lag some minutes behind. Raises CloudError.

    Types without labels are found by their exact names: `mlp-prod` is not `mlp-prod-two`'s.
    """
    project, prefix = gcp_of(profile).project, names(profile).prefix
    query = f'labels.{LABEL_INSTALLATION}="{profile.name}" OR name:"{prefix}"'
    found = api.pages("cloudasset", f"/v1/projects/{project}:searchAllResources", "results", query=query, pageSize=500)
    ours = _names(profile)
    return sorted(
        (_orphan(each, project) for each in found if _is_left(each, profile.name, ours)),
        key=lambda orphan: (orphan.kind, orphan.identity),
    )


def _names(profile: Profile) -> frozenset[str]:
    known = names(profile)
    accounts = {known.email("nodes")}
    parts = ("nodes", "control", "closed", "database", "googleapis", "images")
    return frozenset({known.prefix, *map(known.of, parts), *accounts})


def _is_left(asset: Mapping[str, Any], installation: str, ours: frozenset[str]) -> bool:
    if asset.get("assetType") in _FOR_EVER or asset.get("state") in ("DELETE_REQUESTED", "DELETED", "STOPPING"):
        return False
    labels = asset.get("labels") or {}
    if LABEL_INSTALLATION in labels:
        return bool(labels[LABEL_INSTALLATION] == installation)
    return _name(asset) in ours


def _name(asset: Mapping[str, Any]) -> str:
    return str(asset.get("name", "")).rpartition("/")[2]


def _orphan(asset: Mapping[str, Any], project: str) -> Orphan:
    kind, identity = str(asset.get("assetType", "")), str(asset.get("name", ""))
    command = _COMMANDS.get(kind)
    if command:
        place = {"name": _name(asset), "location": asset.get("location", "")}
        remedy = f"{command.format_map(place)} --project={project}"
    else:
        page = "https://console.cloud.google.com/iam-admin/asset-inventory/resources"
        remedy = f"{page}?project={project}&searchQuery={quote(_name(asset))}"
    return Orphan(kind, identity, remedy)
