"""An imaginary installation with every component, for tests that render objects. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.catalog import CATALOG
from components.contract import Component, ComponentSettings, Install, ServerCertificate
from components.database.managed import endpoint
from components.database.names import ADMINISTRATOR_PASSWORD
from components.facts import Aws, Azure, Cloud, Gcp, Network, PlatformFacts
from components.for_cloud import CloudKind, belongs, settings_for_cloud
from components.managed import Managed, ManagedDatabase, ScaledPool, Scaling
from infra.installation.home import cache_root
from infra.toolchain.upstream import UpstreamObjects

OWN = tuple(each for each in CATALOG if belongs(each.name, None))
"""Every component of a cluster that is no cloud's."""


@cache
def _authority() -> str:
    """A certificate that the API server takes for one: it reads those of webhooks. Its key is forgotten."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    since = datetime(2026, 1, 1, tzinfo=UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, since, since + timedelta(days=3650))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def facts(**changes: Any) -> PlatformFacts:
    """Facts with every component's own, and `changes`."""
    given: dict[str, Any] = {"storage_class": "mlp-local"}
    for each in CATALOG:
        given |= each.facts(each.settings())
    return PlatformFacts(
        **{
            "installation": "test",
            "target": "local",
            "version": "0.1.0",
            "kubernetes_version": "v1.36.3",
            "public_url": "https://localhost:8443",
            "registry": "registry.mlp.internal/",
            "workspace_image": "registry.mlp.internal/workspace:1",
            "network": Network(
                pods="10.244.0.0/16",
                services="10.96.0.0/16",
                nodes="10.250.0.0/24",
                api_server_endpoints=("10.250.0.1:6443",),
            ),
            "components": tuple(each.name for each in OWN),
            "ca_certificate": "-----BEGIN CERTIFICATE-----\n",
            "notebooks_domain": "nb.localhost:8443",
        }
        | given
        | changes
    )


CLOUDS: dict[str, Cloud] = {
    "aws": Aws(
        account="123456789012", partition="aws", region="eu-central-1", cluster="mlp-test", identity="irsa",
        oidc_issuer="oidc.eks.eu-central-1.amazonaws.com/id/ABC", permissions_boundary="", key="arn:aws:kms:key",
    ),
    "gcp": Gcp(
        project="my-project", project_number="42", location="europe-west4", workload_pool="my-project.svc.id.goog",
        key="projects/my-project/locations/europe-west4/keyRings/mlp/cryptoKeys/buckets",
    ),
    "azure": Azure(
        subscription="0", tenant="1", location="westeurope", resource_group="mlp-test-workspaces",
        storage_account="mlptest", oidc_issuer="https://westeurope.oic.prod-aks.azure.com/1/2/",
    ),
}  # fmt: skip
_ARTIFACTS = {
    "aws": "s3://mlp-test-artifacts",
    "gcp": "gs://mlp-test-artifacts",
    "azure": "wasbs://artifacts@mlptest.blob.core.windows.net",
}


SCALING = Scaling(
    cluster="mlp-test", endpoint="https://api.example.internal", instance_profile="mlp-test-scaled-node",
    queue="mlp-test-node-events", subnets=("subnet-1", "subnet-2"), security_group="sg-1",
    tags={"mlp:installation": "test"},
    pools=(
        ScaledPool(
            name="system", purpose="system", machine="m7i.large", cpus=2, most=2, spot=False, disk_gib=100,
            labels={"mlp.io/pool": "system", "mlp.io/purpose": "system"}, taints={},
        ),
        ScaledPool(
            name="gpu", purpose="gpu", machine="g6.metal", cpus=0, most=4, spot=True, disk_gib=200,
            labels={"mlp.io/pool": "gpu", "mlp.io/purpose": "gpu", "mlp.io/gpu-class": "l4"},
            taints={"nvidia.com/gpu": "present", "mlp.io/spot": "true"},
        ),
    ),
)  # fmt: skip


def managed(kind: CloudKind) -> Managed:
    """What an imaginary cloud gives."""
    return Managed(
        cloud=CLOUDS[kind],
        database=ManagedDatabase(
            host="db.example.internal", administrator="mlpadmin", addresses="10.40.8.0/22",
            ca="-----BEGIN CERTIFICATE-----\n", tls="verify-ca" if kind == "gcp" else "verify-full",
        ),
        artifacts=_ARTIFACTS[kind],
        storage_class="mlp-disk",
        identities={
            "mlp-tracking/tracking": {"example.com/identity": "tracking"},
            "mlp-system/control-plane": {"example.com/identity": "control-plane"},
        },
        load_balancer={"example.com/internal": "true"},
        pod_labels={"azure.workload.identity/use": "true"} if kind == "azure" else {},
        storage_classes=(
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": "mlp-disk"},
                "provisioner": "example.com/disk",
            },
        ),
        sources=("203.0.113.0/24",),
        scaling=SCALING if kind == "aws" else None,
    )  # fmt: skip


def managed_install(kind: CloudKind) -> tuple[Install, list[tuple[Component[Any], ComponentSettings]]]:
    """An Install on that cloud, and every component that is there with its settings."""
    chosen = [(c, settings_for_cloud(c, c.settings(), kind)) for c in CATALOG if belongs(c.name, kind)]
    given = managed(kind)
    known: dict[str, Any] = {"storage": None, "storage_admin": None, "cloud": given.cloud, "target": kind}
    known |= {"storage_class": given.storage_class, "database": endpoint(given.database)}
    made = install(**known)
    secrets = {**made.secrets, ADMINISTRATOR_PASSWORD: "value-of-administrator-0123456789abcdef01"}
    return replace(made, managed=given, secrets=secrets), chosen


def install(**changes: Any) -> Install:
    """An Install with an image reference and a secret for whatever a component names."""
    secrets = [name for each in CATALOG for name in each.secrets] + ["gateway-tls-crt", "gateway-tls-key"]
    images = [image.name for each in CATALOG for image in each.images(each.settings())]
    return Install(
        facts=facts(**changes),
        images={name: f"registry.mlp.internal/{name}:1" for name in images},
        secrets={name: f"value-of-{name}-0123456789abcdef0123456789" for name in secrets},
        upstream=UpstreamObjects(cache_root()).kept([each for component in CATALOG for each in component.upstream]),
        certificates={
            server.name: ServerCertificate(_authority(), f"certificate of {server.name}", f"key of {server.name}")
            for component in CATALOG
            for server in component.server_names
        },
    )
