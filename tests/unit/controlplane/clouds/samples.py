"""Two workspaces whose names were chosen to be mistaken for each other, and the clouds they are on."""

from __future__ import annotations

from dataclasses import replace

from components.facts import Aws, Azure, Gcp
from controlplane.reconcile.model import WorkspaceSpec
from tests.unit.reconcile.samples import SPEC

MINE: WorkspaceSpec = replace(SPEC, tenant="acme", name="a", namespace="ws-acme--a", uid="11111111-aaaa")
THEIRS: WorkspaceSpec = replace(SPEC, tenant="acme", name="a-evil", namespace="ws-acme--a-evil", uid="22222222-bbbb")

AWS = Aws(
    account="111122223333",
    partition="aws",
    region="eu-central-1",
    cluster="mlp-prod",
    identity="pod-identity",
    oidc_issuer="",
    permissions_boundary="",
    key="arn:aws:kms:eu-central-1:111122223333:key/1234",
)
IRSA = AWS.model_copy(update={"identity": "irsa", "oidc_issuer": "oidc.eks.eu-central-1.amazonaws.com/id/ABCDEF"})
GCP = Gcp(
    project="acme-ml",
    project_number="123456789012",
    location="europe-west4",
    workload_pool="acme-ml.svc.id.goog",
    key="projects/acme-ml/locations/europe-west4/keyRings/mlp/cryptoKeys/buckets",
)
AZURE = Azure(
    subscription="00000000-1111-2222-3333-444444444444",
    tenant="99999999-8888-7777-6666-555555555555",
    location="westeurope",
    resource_group="mlp-prod-workspaces",
    storage_account="mlpws0123456789",
    storage_group="mlp-prod",
    oidc_issuer="https://westeurope.oic.prod-aks.azure.com/tenant/issuer/",
)
