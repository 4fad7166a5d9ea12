"""What the program for GCP declares, resource by resource where safety depends on it."""

from __future__ import annotations

import json
import pickle
from functools import cache
from typing import Any

import pytest

from components.facts import Gcp, Network
from components.managed import Managed
from infra.clusters.gcp import program
from infra.clusters.gcp.address import program as address_program
from infra.clusters.gcp.data import derived
from infra.clusters.gcp.offline import answers
from infra.clusters.gcp.rights import RIGHTS
from infra.clusters.policies import judge
from infra.engine.declared import Declaration, declare
from infra.profile.load import load
from infra.profile.model import Profile

pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore:.*has been deprecated:DeprecationWarning")]

LABELS = {"managed-by": "mlp", "mlp-installation": "blue"}
RING = "projects/my-project/locations/europe-west4/keyRings"
NODES = "projects/my-project/regions/europe-west4/subnetworks/mlp-blue-nodes"
CONTROL = "projects/my-project/regions/europe-west4/subnetworks/mlp-blue-control"
NETWORK = "projects/my-project/global/networks/mlp-blue"
ACCOUNT = "mlp-blue-nodes@my-project.iam.gserviceaccount.com"
POOL = (
    "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/my-project.svc.id.goog"
)
OPEN = (
    "gcp.endpoint=public",
    'gcp.allowed_cidrs=["203.0.113.0/24"]',
    "gcp.size=medium",
    "gcp.deletion_protection=false",
    "gcp.release_channel=none",
)


def profile(*given: str) -> Profile:
    return load("gcp", ("name=blue", *given))


@cache
def declared(*given: str) -> Declaration:
    chosen = profile(*given)
    return declare(program(chosen), answers(chosen))


def one(token: str, name: str, *given: str) -> dict[str, Any]:
    found: dict[str, Any] = _plain(declared(*given).one(token, name).properties)
    return found


def _plain(value: Any) -> Any:
    """Whole numbers as such, which the engine's protocol has as floats."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_plain(below) for below in value]
    return value


def key(name: str) -> str:
    (ring,) = declared().of("gcp:kms/keyRing:KeyRing")
    assert "name" not in ring.properties  # The provider gives it a random end.
    return f"{RING}/{answers(profile()).resource(ring.kind, ring.name, ring.properties)['name']}/cryptoKeys/{name}"


def test_the_cluster() -> None:
    assert one("gcp:container/cluster:Cluster", "cluster") == {
        "name": "mlp-blue",
        "project": "my-project",
        "location": "europe-west4",
        "nodeLocations": ["europe-west4-a", "europe-west4-b", "europe-west4-c"],
        "deletionProtection": True,
        "resourceLabels": LABELS,
        "minMasterVersion": "1.36",
        "releaseChannel": {"channel": "REGULAR"},
        "maintenancePolicy": {
            "recurringWindow": {
                "startTime": "2025-01-01T02:00:00Z",
                "endTime": "2025-01-01T06:00:00Z",
                "recurrence": "FREQ=DAILY",
            },
            "maintenanceExclusions": [
                {
                    "exclusionName": "minor-version-of-the-profile",
                    "startTime": "2025-01-01T00:00:00Z",
                    "exclusionOptions": {"scope": "NO_MINOR_UPGRADES", "endTimeBehavior": "UNTIL_END_OF_SUPPORT"},
                }
            ],
        },
        "network": NETWORK,
        "subnetwork": NODES,
        "networkingMode": "VPC_NATIVE",
        "ipAllocationPolicy": {
            "clusterSecondaryRangeName": "pods",
            "servicesSecondaryRangeName": "services",
            "stackType": "IPV4",
        },
        "defaultMaxPodsPerNode": 110,
        "datapathProvider": "ADVANCED_DATAPATH",
        "enableL4IlbSubsetting": True,
        "dnsConfig": {"clusterDns": "KUBE_DNS"},
        "privateClusterConfig": {
            "enablePrivateNodes": True,
            "enablePrivateEndpoint": True,
            "privateEndpointSubnetwork": CONTROL,
        },
        "masterAuthorizedNetworksConfig": {
            "cidrBlocks": [],
            "gcpPublicCidrsAccessEnabled": False,
            "privateEndpointEnforcementEnabled": True,
        },
        "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": False}},
        "workloadIdentityConfig": {"workloadPool": "my-project.svc.id.goog"},
        "databaseEncryption": {"state": "ENCRYPTED", "keyName": key("cluster")},
        "enableShieldedNodes": True,
        "enableLegacyAbac": False,
        "anonymousAuthenticationConfig": {"mode": "LIMITED"},
        "masterAuth": {"clientCertificateConfig": {"issueClientCertificate": False}},
        "rbacBindingConfig": {
            "enableInsecureBindingSystemAuthenticated": False,
            "enableInsecureBindingSystemUnauthenticated": False,
        },
        "securityPostureConfig": {"mode": "BASIC", "vulnerabilityMode": "VULNERABILITY_DISABLED"},
        "addonsConfig": {
            "dnsCacheConfig": {"enabled": False},
            "gcePersistentDiskCsiDriverConfig": {"enabled": True},
            "horizontalPodAutoscaling": {"disabled": False},
            "httpLoadBalancing": {"disabled": False},
        },
        "costManagementConfig": {"enabled": True},
        "loggingConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "APISERVER", "WORKLOADS"]},
        "monitoringConfig": {"enableComponents": ["SYSTEM_COMPONENTS"], "managedPrometheus": {"enabled": False}},
        "removeDefaultNodePool": True,
        "initialNodeCount": 1,
        "nodeConfig": {
            "machineType": "e2-standard-4",
            "serviceAccount": ACCOUNT,
            "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
            "bootDiskKmsKey": key("disks"),
            "labels": {},
            "resourceLabels": LABELS,
            "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
        },
    }


def test_a_public_endpoint_answers_to_the_ranges_of_the_profile_alone() -> None:
    made = one("gcp:container/cluster:Cluster", "cluster", *OPEN)
    assert made["privateClusterConfig"]["enablePrivateEndpoint"] is False
    assert made["privateClusterConfig"]["enablePrivateNodes"] is True
    assert made["masterAuthorizedNetworksConfig"]["cidrBlocks"] == [{"cidrBlock": "203.0.113.0/24"}]
    assert made["releaseChannel"] == {"channel": "UNSPECIFIED"}
    assert made["maintenancePolicy"]["maintenanceExclusions"] == []
    assert made["deletionProtection"] is False


def test_a_pool_of_gpu_nodes() -> None:
    assert one("gcp:container/nodePool:NodePool", "gpu", *OPEN) == {
        "name": "gpu",
        "project": "my-project",
        "location": "europe-west4",
        "cluster": "mlp-blue",
        "nodeLocations": ["europe-west4-a", "europe-west4-b", "europe-west4-c"],
        "initialNodeCount": 0,
        "autoscaling": {"totalMinNodeCount": 0, "totalMaxNodeCount": 4, "locationPolicy": "ANY"},
        "management": {"autoRepair": True, "autoUpgrade": False},
        "upgradeSettings": {"strategy": "SURGE", "maxSurge": 0, "maxUnavailable": 1},
        "networkConfig": {"enablePrivateNodes": True},
        "nodeConfig": {
            "machineType": "g2-standard-8",
            "imageType": "COS_CONTAINERD",
            "diskType": "pd-balanced",
            "diskSizeGb": 200,
            "bootDiskKmsKey": key("disks"),
            "serviceAccount": ACCOUNT,
            "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
            "spot": False,
            "labels": {"mlp.io/pool": "gpu", "mlp.io/purpose": "gpu", "mlp.io/gpu-class": "l4"},
            "resourceLabels": LABELS,
            "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
            "guestAccelerators": [
                {"type": "nvidia-l4", "count": 1, "gpuDriverInstallationConfig": {"gpuDriverVersion": "DEFAULT"}}
            ],
            "metadata": {"disable-legacy-endpoints": "true"},
            "kubeletConfig": {"insecureKubeletReadonlyPortEnabled": "FALSE", "podPidsLimit": 4096},
            "shieldedInstanceConfig": {"enableSecureBoot": True, "enableIntegrityMonitoring": True},
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
        },
    }


def test_spot_nodes_are_tainted() -> None:
    node = one("gcp:container/nodePool:NodePool", "spot", *OPEN)["nodeConfig"]
    assert node["spot"] is True
    assert node["taints"] == [{"key": "cloud.google.com/gke-spot", "value": "true", "effect": "NO_SCHEDULE"}]


def test_the_database() -> None:
    made = declared().one("gcp:sql/databaseInstance:DatabaseInstance", "mlp-blue")
    assert made.protect
    assert _plain(made.properties) == {
        "project": "my-project",
        "region": "europe-west4",
        "databaseVersion": "POSTGRES_17",
        "encryptionKeyName": key("data"),
        "deletionProtection": True,
        "settings": {
            "tier": "db-custom-1-3840",
            "edition": "ENTERPRISE",
            "availabilityType": "ZONAL",
            "diskType": "PD_SSD",
            "diskSize": 20,
            "diskAutoresize": True,
            "deletionProtectionEnabled": True,
            "userLabels": LABELS,
            "ipConfiguration": {
                "ipv4Enabled": False,
                "sslMode": "ENCRYPTED_ONLY",
                "serverCaMode": "GOOGLE_MANAGED_INTERNAL_CA",
                "pscConfigs": [{"pscEnabled": True, "allowedConsumerProjects": ["my-project"]}],
            },
            "backupConfiguration": {
                "enabled": True,
                "startTime": "02:00",
                "location": "europe-west4",
                "pointInTimeRecoveryEnabled": True,
                "transactionLogRetentionDays": 7,
                "backupRetentionSettings": {"retainedBackups": 14, "retentionUnit": "COUNT"},
            },
            "maintenanceWindow": {"day": 7, "hour": 4, "updateTrack": "stable"},
            "databaseFlags": [
                {"name": "log_connections", "value": "on"},
                {"name": "log_disconnections", "value": "on"},
            ],
        },
    }
    large = one("gcp:sql/databaseInstance:DatabaseInstance", "mlp-blue", *OPEN)
    assert large["settings"]["availabilityType"] == "REGIONAL"
    assert large["deletionProtection"] is large["settings"]["deletionProtectionEnabled"] is False


def test_the_administrators_password_is_a_secret_everywhere() -> None:
    found = declared()
    user = found.one("gcp:sql/user:User", "administrator")
    assert "password" in user.secrets
    assert user.properties["password"] == found.exports["databasePassword"]
    assert len(found.exports["databasePassword"]) > 40
    assert derived("one key") != derived("another")
    with pytest.raises(ValueError, match="no private key"):
        derived("")


def test_the_bucket_of_artifacts() -> None:
    made = declared().one("gcp:storage/bucket:Bucket", "artifacts")
    assert made.protect
    properties = _plain(made.properties)
    assert properties == {
        "name": properties["name"],
        "project": "my-project",
        "location": "EUROPE-WEST4",
        "storageClass": "STANDARD",
        "uniformBucketLevelAccess": True,
        "publicAccessPrevention": "enforced",
        "versioning": {"enabled": True},
        "encryption": {"defaultKmsKeyName": key("data")},
        "softDeletePolicy": {"retentionDurationSeconds": 604800},
        "lifecycleRules": [
            {"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 30, "withState": "ARCHIVED"}},
            {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 7}},
        ],
        "forceDestroy": False,
        "labels": LABELS,
    }
    free = one("gcp:storage/bucket:Bucket", "artifacts", *OPEN)
    assert (free["forceDestroy"], free["softDeletePolicy"]["retentionDurationSeconds"]) == (True, 0)


def test_data_is_protected_until_the_profile_says_otherwise() -> None:
    kept = {(each.kind.rpartition(":")[2], each.name) for each in declared().resources if each.protect}
    assert kept == {
        ("Bucket", "artifacts"),
        ("Cluster", "cluster"),
        ("CryptoKey", "cluster"),
        ("CryptoKey", "data"),
        ("CryptoKey", "disks"),
        ("DatabaseInstance", "mlp-blue"),
        ("KeyRing", "mlp-blue"),
    }
    assert not [each for each in declared(*OPEN).resources if each.protect]


def test_rights_are_single_memberships_of_single_roles() -> None:
    found = declared()
    kinds = {each.kind for each in found.resources if "iam" in each.kind.lower()}
    assert not [kind for kind in kinds if kind.endswith(("IAMBinding", "IAMPolicy", "IamBinding", "IamPolicy"))]
    granted = {
        (each.properties["role"], each.properties["member"])
        for kind in sorted(kinds)
        for each in found.of(kind)
        if "member" in each.properties and "CryptoKey" not in kind
    }
    assert granted == {
        ("roles/container.defaultNodeServiceAccount", f"serviceAccount:{ACCOUNT}"),
        ("roles/artifactregistry.reader", f"serviceAccount:{ACCOUNT}"),
        ("roles/storage.objectUser", f"{POOL}/subject/ns/mlp-tracking/sa/tracking"),
        ("projects/my-project/roles/mlp_blue_make_buckets", f"{POOL}/subject/ns/mlp-system/sa/control-plane"),
        ("projects/my-project/roles/mlp_blue_keep_buckets", f"{POOL}/subject/ns/mlp-system/sa/control-plane"),
    }


def test_the_control_plane_reaches_buckets_of_workspaces_alone() -> None:
    made = one("gcp:projects/iAMMember:IAMMember", "keep-buckets")
    assert made["condition"]["expression"] == 'resource.name.startsWith("projects/_/buckets/mlp-blue-ws-")'
    assert one("gcp:projects/iAMCustomRole:IAMCustomRole", "make-buckets")["permissions"] == ["storage.buckets.create"]
    tracking = one("gcp:storage/bucketIAMMember:BucketIAMMember", "tracking-artifacts")
    assert not tracking["bucket"].startswith("mlp-blue-ws-")


def test_each_service_of_google_opens_its_own_keys() -> None:
    found = {
        each.name: (each.properties["cryptoKeyId"].rpartition("/")[2], each.properties["member"])
        for each in declared().of("gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember")
    }
    agent = "serviceAccount:service-123456789012@"
    assert found == {
        "cluster-kubernetes": ("cluster", f"{agent}container-engine-robot.iam.gserviceaccount.com"),
        "disks-compute": ("disks", f"{agent}compute-system.iam.gserviceaccount.com"),
        "data-storage": ("data", f"{agent}gs-project-accounts.iam.gserviceaccount.com"),
        "data-database": ("data", f"{agent}gcp-sa-cloud-sql.iam.gserviceaccount.com"),
        "data-registry": ("data", f"{agent}gcp-sa-artifactregistry.iam.gserviceaccount.com"),
    }


def test_the_network_has_one_way_out_and_none_in() -> None:
    assert one("gcp:compute/network:Network", "network")["autoCreateSubnetworks"] is False
    for name in ("nodes", "control"):
        subnet = one("gcp:compute/subnetwork:Subnetwork", name)
        assert subnet["privateIpGoogleAccess"] is True
        assert subnet["logConfig"]["flowSampling"] == 0.5
    assert one("gcp:compute/subnetwork:Subnetwork", "nodes")["secondaryIpRanges"] == [
        {"rangeName": "pods", "ipCidrRange": "10.244.0.0/16"},
        {"rangeName": "services", "ipCidrRange": "10.96.0.0/16"},
    ]
    (closed,) = declared().of("gcp:compute/firewall:Firewall")
    assert "allows" not in closed.properties
    assert closed.properties["denies"] == [{"protocol": "all"}]
    nat = one("gcp:compute/routerNat:RouterNat", "exit")
    assert nat["subnetworks"] == [{"name": NODES, "sourceIpRangesToNats": ["ALL_IP_RANGES"]}]
    google = one("gcp:dns/recordSet:RecordSet", "googleapis")
    assert google["rrdatas"] == ["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"]


def test_apis_are_switched_on_first_and_never_off() -> None:
    found = declared()
    services = found.of("gcp:projects/service:Service")
    assert services
    assert {each.properties["disableOnDestroy"] for each in services} == {False}
    before = {each.urn for each in services}
    for each in found.resources:
        if each.custom and not each.kind.startswith(("pulumi:", "gcp:projects/service:")):
            assert before <= set(each.depends), each.urn


def test_what_the_cluster_gives() -> None:
    exports = declared().exports
    managed = Managed.model_validate(exports["managed"])
    assert managed.cloud == Gcp(
        project="my-project",
        project_number="123456789012",
        location="europe-west4",
        workload_pool="my-project.svc.id.goog",
        key=key("data"),
        storage_ranges=("199.36.153.8/30",),
    )
    assert managed.database.addresses == f"{managed.database.host}/32"
    assert managed.database.tls == "verify-ca"
    assert managed.database.ca.startswith("-----BEGIN CERTIFICATE-----\n")
    assert managed.load_balancer == {"networking.gke.io/load-balancer-type": "Internal"}
    assert managed.identities == {}
    assert Network.model_validate(exports["network"]) == Network(
        pods="10.244.0.0/16",
        services="10.96.0.0/16",
        nodes="10.40.0.0/16",
        api_server_endpoints=("10.40.255.242:443",),
    )
    assert exports["kubernetesVersion"] == "v1.36.3-gke.1000"
    assert "https://10.40.255.242" in exports["kubeconfig"]
    public = declared(*OPEN).exports
    assert "https://203.0.113.7" in public["kubeconfig"]
    assert public["network"]["api_server_endpoints"] == ["10.40.255.242:443"]
    assert public["managed"]["load_balancer"] == {"cloud.google.com/l4-rbs": "enabled"}
    assert public["managed"]["sources"] == ["203.0.113.0/24"]
    assert "key" not in json.dumps(exports["managed"]["database"])


def test_the_domain_leads_to_the_gateway() -> None:
    chosen = profile()
    made = declare(address_program(chosen, "10.40.0.9"), answers(chosen))
    records = made.of("gcp:dns/recordSet:RecordSet")
    assert [record.properties["name"] for record in records] == ["ml.example.com.", "*.notebooks.ml.example.com."]
    for record in records:
        assert (
            _plain(record.properties).items()
            >= {
                "type": "A",
                "ttl": 60,
                "rrdatas": ["10.40.0.9"],
                "managedZone": "mlp-blue",
                "project": "my-project",
            }.items()
        )
    zone = one("gcp:dns/managedZone:ManagedZone", "domain")
    assert zone["name"] == "mlp-blue"
    assert zone["dnssecConfig"]["state"] == "on"


def test_permissions_are_known_for_all_types_and_no_other() -> None:
    kinds = {
        each.kind
        for given in ((), OPEN)
        for each in declared(*given).resources
        if each.custom and not each.kind.startswith("pulumi:")
    }
    assert kinds == set(RIGHTS)


def test_an_installation_that_people_reach_from_outside_breaks_no_policy() -> None:
    assert judge(declared(*OPEN), LABELS, keep=False) == ()


def test_the_program_goes_to_other_processes() -> None:
    made = program(profile(*OPEN))
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301
