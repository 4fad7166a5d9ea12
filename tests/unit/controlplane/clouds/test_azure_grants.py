"""Who uses a workspace's container on Azure, by cases that must be allowed and cases that must not."""

from __future__ import annotations

import uuid

import pytest

from controlplane.clouds.azure.grants import (
    AUDIENCE,
    ROLE,
    Assignment,
    assignment_name,
    container_scope,
    federation,
    is_wanted,
    role_definition,
    surplus,
)
from controlplane.clouds.names import cloud_name
from tests.identity_support.azure import exchanged, permitted
from tests.unit.controlplane.clouds.samples import AZURE, MINE, THEIRS

NAME = cloud_name("prod", AZURE.subscription, MINE)
SCOPE = container_scope(AZURE, NAME)
ACCOUNT = SCOPE.partition("/blobServices")[0]
ME, OTHER = "principal-of-mine", "principal-of-theirs"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"


def assigned(principal: str, scope: str = SCOPE, role: str = ROLE, kind: str = "ServicePrincipal") -> Assignment:
    definition = role_definition(AZURE).replace(ROLE, role)
    return Assignment(f"{scope}/x/{principal}", scope, definition, principal, kind)


GRANT = (assigned(ME),)


@pytest.mark.parametrize("verb", ["read", "write", "delete", "add/action"])
def test_a_workspace_uses_its_own_container(verb: str) -> None:
    assert permitted(GRANT, ME, f"{BLOBS}/{verb}", f"{SCOPE}/blobs/runs/1/model.bin")


@pytest.mark.parametrize(
    "resource",
    [
        container_scope(AZURE, cloud_name("prod", AZURE.subscription, THEIRS)) + "/blobs/x",
        SCOPE + "-evil/blobs/x",
        SCOPE + "0",
        SCOPE[:-1],
        SCOPE.rpartition("/")[0],
        ACCOUNT,
        ACCOUNT + "2/blobServices/default/containers/" + NAME,
        "/subscriptions/" + AZURE.subscription,
        container_scope(AZURE.model_copy(update={"storage_account": "mlpart0123456789"}), NAME),
    ],
)
@pytest.mark.parametrize("verb", ["read", "write", "delete"])
def test_the_grant_ends_at_its_container(resource: str, verb: str) -> None:
    assert not permitted(GRANT, ME, f"{BLOBS}/{verb}", resource)


@pytest.mark.parametrize(
    "action",
    [
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Storage/storageAccounts/listKeys/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
        f"{BLOBS}/immutableStorage/runAsSuperUser/action",
        f"{BLOBS}/manageOwnership/action",
    ],
)
def test_a_workspace_gives_nothing_on(action: str) -> None:
    assert not permitted(GRANT, ME, action, SCOPE)


def test_keys_for_links_are_not_to_be_had() -> None:
    """They are the account's: with one, a link to any container could be signed."""
    key = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
    assert not permitted(GRANT, ME, key, f"{ACCOUNT}/blobServices/default")


def test_another_workspace_gets_nothing() -> None:
    for verb in ("read", "write", "delete"):
        assert not permitted(GRANT, OTHER, f"{BLOBS}/{verb}", f"{SCOPE}/blobs/x")


@pytest.mark.parametrize(
    ("issuer", "subject", "audience", "wanted"),
    [
        (AZURE.oidc_issuer, f"system:serviceaccount:{MINE.namespace}:workload", AUDIENCE, True),
        (AZURE.oidc_issuer, f"system:serviceaccount:{THEIRS.namespace}:workload", AUDIENCE, False),
        (AZURE.oidc_issuer, f"system:serviceaccount:{MINE.namespace}:default", AUDIENCE, False),
        (AZURE.oidc_issuer, f"system:serviceaccount:{MINE.namespace}:workload2", AUDIENCE, False),
        (AZURE.oidc_issuer, f"System:ServiceAccount:{MINE.namespace}:workload", AUDIENCE, False),
        (AZURE.oidc_issuer, "system:serviceaccount:*:workload", AUDIENCE, False),
        (AZURE.oidc_issuer, f"system:serviceaccount:{MINE.namespace}:workload", "mlp", False),
        (AZURE.oidc_issuer, f"system:serviceaccount:{MINE.namespace}:workload", AUDIENCE + "/", False),
        (AZURE.oidc_issuer.rstrip("/"), f"system:serviceaccount:{MINE.namespace}:workload", AUDIENCE, False),
        ("https://other/", f"system:serviceaccount:{MINE.namespace}:workload", AUDIENCE, False),
    ],
)
def test_one_service_account_of_one_cluster_becomes_the_identity(
    issuer: str, subject: str, audience: str, wanted: bool
) -> None:
    assert exchanged([federation(AZURE, MINE)], issuer, subject, audience) is wanted


def test_an_assignments_name_is_a_guid_of_what_it_grants() -> None:
    name = assignment_name(SCOPE, ME)
    assert uuid.UUID(name).version == 5
    assert name == assignment_name(SCOPE.upper(), ME.upper()), "Azure compares ids without case"
    assert len({name, assignment_name(SCOPE, OTHER), assignment_name(SCOPE + "0", ME)}) == 3


def test_other_identities_on_the_container_are_surplus_and_nothing_else() -> None:
    intruder = assigned(OTHER)
    others = [
        assigned(OTHER, ACCOUNT),
        assigned(OTHER, SCOPE + "0"),
        assigned("someone", kind="User"),
        assigned("auditors", kind="Group"),
        assigned(OTHER, role="acdd72a7-3385-48ef-bd42-f606fba81ae7"),
    ]
    assert surplus([*GRANT, intruder, *others], SCOPE, ME) == (intruder,)
    assert surplus([*GRANT, *others], SCOPE, None) == GRANT, "suspended: the own one as well"
    assert is_wanted(GRANT[0], SCOPE.upper(), ME.upper())
    assert not is_wanted(intruder, SCOPE, ME)


def test_the_account_is_looked_for_in_its_own_group() -> None:
    assert "/resourceGroups/mlp-prod/" in SCOPE
    same = AZURE.model_copy(update={"storage_group": ""})
    assert "/resourceGroups/mlp-prod-workspaces/" in container_scope(same, NAME)
