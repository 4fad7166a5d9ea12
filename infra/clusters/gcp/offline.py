"""What GCP's resources would answer, for looking at the program without GCP."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from infra.clusters.gcp.names import gcp_of
from infra.clusters.gcp.shape import shape
from infra.engine.declared import Answers
from infra.profile.model import Profile

_NUMBER = "123456789012"

_IDS: Mapping[str, str] = {
    "gcp:artifactregistry/repository:Repository": "projects/{project}/locations/{location}/repositories/{repositoryId}",
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": (
        "projects/{project}/locations/{location}/repositories/{repository}/{role}/{member}"
    ),
    "gcp:compute/address:Address": "projects/{project}/regions/{region}/addresses/{name}",
    "gcp:compute/firewall:Firewall": "projects/{project}/global/firewalls/{name}",
    "gcp:compute/forwardingRule:ForwardingRule": "projects/{project}/regions/{region}/forwardingRules/{name}",
    "gcp:compute/network:Network": "projects/{project}/global/networks/{name}",
    "gcp:compute/router:Router": "projects/{project}/regions/{region}/routers/{name}",
    "gcp:compute/routerNat:RouterNat": "{project}/{region}/{router}/{name}",
    "gcp:compute/subnetwork:Subnetwork": "projects/{project}/regions/{region}/subnetworks/{name}",
    "gcp:container/cluster:Cluster": "projects/{project}/locations/{location}/clusters/{name}",
    "gcp:container/nodePool:NodePool": "projects/{project}/locations/{location}/clusters/{cluster}/nodePools/{name}",
    "gcp:dns/managedZone:ManagedZone": "projects/{project}/managedZones/{name}",
    "gcp:dns/recordSet:RecordSet": "projects/{project}/managedZones/{managedZone}/rrsets/{name}/{type}",
    "gcp:kms/cryptoKey:CryptoKey": "{keyRing}/cryptoKeys/{name}",
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": "{cryptoKeyId}/{role}/{member}",
    "gcp:projects/iAMCustomRole:IAMCustomRole": "projects/{project}/roles/{roleId}",
    "gcp:projects/iAMMember:IAMMember": "{project}/{role}/{member}",
    "gcp:projects/service:Service": "{project}/{service}",
    "gcp:projects/serviceIdentity:ServiceIdentity": "projects/{project}/services/{service}",
    "gcp:serviceaccount/account:Account": (
        "projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com"
    ),
    "gcp:storage/bucketIAMMember:BucketIAMMember": "b/{bucket}/{role}/{member}",
}
"""Type → id as GCP makes it of the inputs."""


@dataclass(frozen=True)
class GcpAnswers:
    """What only GCP knows is made up, the same at every run."""

    project: str
    database_address: str
    api_address: str

    def resource(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        made: dict[str, Any] = {}
        if kind in _IDS:
            made["id"] = _IDS[kind].format_map({"project": self.project, **inputs})
        known = self._known().get(kind)
        return {**made, **(known(name, inputs) if known else {})}

    def _known(self) -> Mapping[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]]:
        return {
            "gcp:container/cluster:Cluster": self._cluster,
            "gcp:sql/databaseInstance:DatabaseInstance": self._database,
            "gcp:kms/keyRing:KeyRing": self._ring,
            "gcp:storage/bucket:Bucket": lambda _, given: {
                "id": given["name"],
                "url": f"gs://{given['name']}",
                "selfLink": f"https://www.googleapis.com/storage/v1/b/{given['name']}",
            },
            "gcp:sql/user:User": lambda _, given: {"id": f"{given['name']}//{given['instance']}"},
            "gcp:sql/sslCert:SslCert": lambda name, given: {
                "id": f"projects/{self.project}/instances/{given['instance']}/sslCerts/{_hex(name)}",
                "privateKey": f"made up for {name}: {_hex('key', name)}",
            },
            "gcp:compute/address:Address": lambda _, __: {"address": self.database_address},
            "gcp:dns/managedZone:ManagedZone": lambda _, __: {
                "nameServers": [f"ns-cloud-a{number}.googledomains.com." for number in range(1, 5)]
            },
            "gcp:projects/iAMCustomRole:IAMCustomRole": lambda _, given: {
                "name": f"projects/{self.project}/roles/{given['roleId']}"
            },
            "gcp:artifactregistry/repository:Repository": lambda _, given: {"name": given["repositoryId"]},
            "gcp:serviceaccount/account:Account": lambda _, given: {
                "email": f"{given['accountId']}@{self.project}.iam.gserviceaccount.com"
            },
        }

    def _ring(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        # Pulumi's own provider adds the end where the program gives no name.
        called = inputs.get("name") or f"{name}-{_hex(name)[:7]}"
        return {"id": f"projects/{self.project}/locations/{inputs['location']}/keyRings/{called}", "name": called}

    def _database(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        called = inputs.get("name") or f"{name}-{_hex(name)[:7]}"
        region = inputs["region"]
        return {
            "id": called,
            "name": called,
            "connectionName": f"{self.project}:{region}:{called}",
            "pscServiceAttachmentLink": (
                f"projects/{_hex('tenant', name)[:12]}-tp/regions/{region}/serviceAttachments/a-{_hex(name)[:12]}"
            ),
            "serverCaCerts": [
                {
                    "cert": "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----",
                    "commonName": "made up",
                    "createTime": "2025-01-01T00:00:00Z",
                    "expirationTime": "2035-01-01T00:00:00Z",
                    "sha1Fingerprint": _hex("ca", name)[:40],
                }
            ],
        }

    def _cluster(self, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        del name
        access = inputs["privateClusterConfig"]
        public = "203.0.113.7"
        return {
            "endpoint": self.api_address if access["enablePrivateEndpoint"] else public,
            "masterVersion": f"{inputs['minMasterVersion']}.3-gke.1000",
            "masterAuth": {**inputs["masterAuth"], "clusterCaCertificate": "bm9uZQ=="},
            "privateClusterConfig": {**access, "privateEndpoint": self.api_address, "publicEndpoint": public},
        }

    def call(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        match token:
            case "gcp:organizations/getProject:getProject":
                return {"id": f"projects/{self.project}", "number": _NUMBER, "projectId": arguments["projectId"]}
            case "gcp:storage/getProjectServiceAccount:getProjectServiceAccount":
                email = f"service-{_NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
                return {"id": email, "emailAddress": email, "member": f"serviceAccount:{email}"}
        raise LookupError(f"the program calls {token}, for which there is no answer offline")


def _hex(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def answers(profile: Profile) -> Answers:
    """For `declare` of the programs of this folder."""
    gcp, ranges = gcp_of(profile), shape(profile).ranges
    return GcpAnswers(
        project=gcp.project,
        database_address=str(IPv4Network(ranges.nodes)[5]),
        api_address=str(IPv4Network(ranges.control)[2]),
    )
