"""What the installer does on GCP, as permissions of IAM: the custom role that whoever runs `up` needs. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from infra.clusters.gcp.names import gcp_of
from infra.engine.declared import Declaration
from infra.profile.model import Profile


@dataclass(frozen=True)
class Rights:
    """Permissions for each thing that happens to resources of one type."""

    create: tuple[str, ...]
    read: tuple[str, ...]
    update: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.create, *self.read, *self.update, *self.delete)


def _usual(collection: str, *more: str, update: bool = True) -> Rights:
    return Rights(
        create=(f"{collection}.create", *more),
        read=(f"{collection}.get",),
        update=(f"{collection}.update",) if update else (),
        delete=(f"{collection}.delete",),
    )


def _policy_of(collection: str) -> Rights:
    """Members of a policy are added and removed by writing the whole of it."""
    get, put = f"{collection}.getIamPolicy", f"{collection}.setIamPolicy"
    return Rights(create=(get, put), read=(get,), delete=(get, put))


_SUBNET_USE = ("compute.subnetworks.get", "compute.subnetworks.use", "compute.networks.use")
_CLUSTERS = (
    "compute.networks.get",
    "compute.subnetworks.get",
    "compute.subnetworks.use",
    "container.operations.get",
    "iam.serviceAccounts.actAs",
)

RIGHTS: Mapping[str, Rights] = {
    "gcp:artifactregistry/repository:Repository": _usual("artifactregistry.repositories"),
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": _policy_of("artifactregistry.repositories"),
    "gcp:compute/address:Address": Rights(
        create=("compute.addresses.create", "compute.addresses.createInternal", *_SUBNET_USE),
        read=("compute.addresses.get", "compute.regionOperations.get"),
        update=("compute.addresses.setLabels",),
        delete=("compute.addresses.delete", "compute.addresses.deleteInternal"),
    ),
    "gcp:compute/firewall:Firewall": Rights(
        create=("compute.firewalls.create", "compute.networks.updatePolicy"),
        read=("compute.firewalls.get", "compute.globalOperations.get"),
        update=("compute.firewalls.update",),
        delete=("compute.firewalls.delete",),
    ),
    "gcp:compute/forwardingRule:ForwardingRule": Rights(
        create=(
            "compute.addresses.use",
            "compute.addresses.useInternal",
            "compute.forwardingRules.create",
            "compute.forwardingRules.pscCreate",
            *_SUBNET_USE,
            "servicedirectory.namespaces.create",
            "servicedirectory.services.create",
        ),
        read=("compute.forwardingRules.get", "compute.regionOperations.get"),
        update=(
            "compute.forwardingRules.pscSetLabels",
            "compute.forwardingRules.pscUpdate",
            "compute.forwardingRules.setLabels",
            "compute.forwardingRules.update",
        ),
        delete=(
            "compute.forwardingRules.delete",
            "compute.forwardingRules.pscDelete",
            "servicedirectory.services.delete",
        ),
    ),
    "gcp:compute/network:Network": Rights(
        create=("compute.networks.create",),
        read=("compute.networks.get", "compute.globalOperations.get"),
        update=("compute.networks.update",),
        delete=("compute.networks.delete",),
    ),
    "gcp:compute/router:Router": _usual("compute.routers", "compute.networks.updatePolicy"),
    "gcp:compute/routerNat:RouterNat": Rights(
        create=("compute.routers.update", "compute.subnetworks.use"),
        read=("compute.routers.get", "compute.regionOperations.get"),
        update=("compute.routers.update",),
        delete=("compute.routers.update",),
    ),
    "gcp:compute/subnetwork:Subnetwork": Rights(
        create=("compute.subnetworks.create", "compute.networks.updatePolicy"),
        read=("compute.subnetworks.get", "compute.regionOperations.get"),
        update=("compute.subnetworks.setPrivateIpGoogleAccess", "compute.subnetworks.update"),
        delete=("compute.subnetworks.delete",),
    ),
    "gcp:container/cluster:Cluster": _usual("container.clusters", *_CLUSTERS),
    "gcp:container/nodePool:NodePool": Rights(
        create=("container.clusters.update", *_CLUSTERS),
        read=("compute.instanceGroupManagers.get", "container.clusters.get"),
        update=("container.clusters.update",),
        delete=("container.clusters.update",),
    ),
    "gcp:dns/managedZone:ManagedZone": _usual("dns.managedZones", "dns.networks.bindPrivateDNSZone"),
    "gcp:dns/recordSet:RecordSet": Rights(
        create=("dns.changes.create", "dns.resourceRecordSets.create"),
        read=("dns.changes.get", "dns.resourceRecordSets.get", "dns.resourceRecordSets.list"),
        update=("dns.resourceRecordSets.update",),
        delete=("dns.resourceRecordSets.delete",),
    ),
    "gcp:kms/cryptoKey:CryptoKey": Rights(
        create=("cloudkms.cryptoKeys.create",),
        read=("cloudkms.cryptoKeys.get",),
        update=("cloudkms.cryptoKeys.update",),
        delete=("cloudkms.cryptoKeyVersions.destroy", "cloudkms.cryptoKeyVersions.list", "cloudkms.cryptoKeys.update"),
    ),
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": _policy_of("cloudkms.cryptoKeys"),
    "gcp:kms/keyRing:KeyRing": Rights(create=("cloudkms.keyRings.create",), read=("cloudkms.keyRings.get",)),
    "gcp:projects/iAMCustomRole:IAMCustomRole": Rights(
        create=("iam.roles.create", "iam.roles.undelete"),
        read=("iam.roles.get",),
        update=("iam.roles.update",),
        delete=("iam.roles.delete",),
    ),
    "gcp:projects/iAMMember:IAMMember": _policy_of("resourcemanager.projects"),
    "gcp:projects/service:Service": Rights(
        create=("serviceusage.services.enable",), read=("serviceusage.services.get", "serviceusage.services.list")
    ),
    "gcp:projects/serviceIdentity:ServiceIdentity": Rights(
        create=("serviceusage.services.enable",), read=("serviceusage.services.get",)
    ),
    "gcp:serviceaccount/account:Account": _usual("iam.serviceAccounts"),
    "gcp:sql/databaseInstance:DatabaseInstance": _usual("cloudsql.instances"),
    "gcp:sql/sslCert:SslCert": _usual("cloudsql.sslCerts", update=False),
    "gcp:sql/user:User": Rights(
        create=("cloudsql.users.create",),
        read=("cloudsql.users.get", "cloudsql.users.list"),
        update=("cloudsql.users.update",),
        delete=("cloudsql.users.delete",),
    ),
    "gcp:storage/bucket:Bucket": Rights(
        create=("storage.buckets.create",),
        read=("storage.buckets.get",),
        update=("storage.buckets.update",),
        # A bucket goes when it is empty; with deletion_protection off, it is emptied.
        delete=("storage.buckets.delete", "storage.objects.delete", "storage.objects.list"),
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": _policy_of("storage.buckets"),
}
"""Type token → permissions, for every type that the programs of this folder declare."""

BESIDE = (
    # Images are pushed by whoever installs.
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.repositories.uploadArtifacts",
    # Preflight, and the search for what is left after `down`.
    "cloudasset.assets.searchAllResources",
    "compute.acceleratorTypes.get",
    "compute.machineTypes.get",
    "compute.projects.get",
    "compute.regions.get",
    "compute.zones.get",
    "container.clusters.list",
    "resourcemanager.projects.get",
    "serviceusage.services.use",
)
"""What is asked for beside resources."""

ADMINISTRATOR = "roles/container.admin"
"""The predefined role with which the installer is an administrator in the cluster: GKE decides there by permissions of
IAM, one for each type of Kubernetes' objects."""


def permissions(kinds: Iterable[str]) -> tuple[str, ...]:
    """All that resources of these types take, sorted. Raises LookupError for a type that is not in RIGHTS."""
    kinds = sorted(set(kinds))
    unknown = [kind for kind in kinds if kind not in RIGHTS]
    if unknown:
        raise LookupError(
            f"no permissions are known for {', '.join(unknown)}; add them to infra/clusters/gcp/rights.py"
        )
    return tuple(sorted({*BESIDE, *(permission for kind in kinds for permission in RIGHTS[kind].all)}))


def policy(declaration: Declaration, profile: Profile) -> dict[str, str]:
    """File name → text: the installer's custom role, as `gcloud iam roles create --file` takes it. The record of the
    domain, which another stack makes, is among it. Raises LookupError for a type without known permissions."""
    kinds = {each.kind for each in declaration.resources if each.custom and not each.kind.startswith("pulumi:")}
    role = {
        "title": "MLP installer",
        "description": f"What platform up and down do in project {gcp_of(profile).project}; goes with {ADMINISTRATOR}",
        "stage": "GA",
        "includedPermissions": list(permissions({*kinds, "gcp:dns/recordSet:RecordSet"})),
    }
    return {"gcp-installer.json": json.dumps(role, indent=2) + "\n"}
