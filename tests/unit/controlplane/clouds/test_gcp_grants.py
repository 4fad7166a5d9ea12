"""Who uses a workspace's bucket on GCP, by cases that must be allowed and cases that must not."""

from __future__ import annotations

import copy

import pytest

from controlplane.clouds.gcp.grants import ROLE, granted, principal, same
from tests.identity_support.gcp import permitted, pod
from tests.unit.controlplane.clouds.samples import GCP, MINE, THEIRS

NUMBER, POOL = GCP.project_number, GCP.workload_pool
FRESH = [
    {"role": "roles/storage.legacyBucketOwner", "members": {"projectEditor:acme-ml", "projectOwner:acme-ml"}},
    {"role": "roles/storage.legacyBucketReader", "members": {"projectViewer:acme-ml"}},
    {"role": "roles/storage.legacyObjectReader", "members": {"projectViewer:acme-ml"}},
]
"""What a new bucket grants by itself."""
AUDITOR = {"role": "roles/storage.objectViewer", "members": {"group:auditors@example.com"}}
BINDINGS = granted([*FRESH, AUDITOR], GCP, principal(GCP, MINE))
ME = pod(NUMBER, POOL, MINE.namespace, "workload")


@pytest.mark.parametrize("verb", ["create", "delete", "get", "list", "update"])
def test_a_workspace_uses_its_own_bucket(verb: str) -> None:
    assert permitted(BINDINGS, ME, f"storage.objects.{verb}")


@pytest.mark.parametrize("verb", ["delete", "getIamPolicy", "setIamPolicy", "update"])
def test_a_workspace_cannot_change_what_its_bucket_is(verb: str) -> None:
    assert not permitted(BINDINGS, ME, f"storage.buckets.{verb}")


@pytest.mark.parametrize(
    "caller",
    [
        pod(NUMBER, POOL, THEIRS.namespace, "workload"),
        pod(NUMBER, POOL, MINE.namespace, "default"),
        pod(NUMBER, POOL, MINE.namespace, "workload-2"),
        pod(NUMBER, POOL, MINE.namespace + "/sa/workload/x", "workload"),
        pod(NUMBER, POOL, "ws-acme--", "workload"),
        pod("999", POOL, MINE.namespace, "workload"),
        pod(NUMBER, "other.svc.id.goog", MINE.namespace, "workload"),
        ME.replace("principal://", "principalSet://"),
        "serviceAccount:123456789012-compute@developer.gserviceaccount.com",
        None,
    ],
)
@pytest.mark.parametrize("verb", ["create", "delete", "get", "list"])
def test_nobody_else_gets_in(caller: str | None, verb: str) -> None:
    assert not permitted(BINDINGS, caller, f"storage.objects.{verb}")


@pytest.mark.parametrize("role", ["Viewer", "Editor", "Owner"])
def test_basic_roles_on_the_project_open_no_bucket(role: str) -> None:
    somebody = "user:someone@example.com"
    assert any(
        permitted(FRESH, somebody, f"storage.objects.{verb}", {role: "acme-ml"}) for verb in ("get", "delete")
    ), "they would open a bucket as it is made"
    for verb in ("get", "list", "create", "delete"):
        assert not permitted(BINDINGS, somebody, f"storage.objects.{verb}", {role: "acme-ml"})


@pytest.mark.parametrize(
    "member",
    [
        "allUsers",
        "allAuthenticatedUsers",
        principal(GCP, THEIRS),
        f"principalSet://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/{POOL}/namespace/{THEIRS.namespace}",
        f"serviceAccount:{POOL}[{THEIRS.namespace}/workload]",
    ],
)
def test_what_somebody_opened_to_pods_or_everybody_is_closed_again(member: str) -> None:
    found = [*BINDINGS, {"role": "roles/storage.admin", "members": {member}}]
    assert same(granted(found, GCP, principal(GCP, MINE)), BINDINGS)


def test_suspended_no_pod_gets_in() -> None:
    closed = granted(BINDINGS, GCP, None)
    assert not permitted(closed, ME, "storage.objects.get")
    assert same(closed, [AUDITOR]), "who is no pod keeps what he was given"


def test_granting_again_changes_nothing_and_leaves_its_input() -> None:
    before = copy.deepcopy(BINDINGS)
    assert same(granted(BINDINGS, GCP, principal(GCP, MINE)), BINDINGS)
    assert before == BINDINGS


def test_a_grant_under_a_condition_is_not_taken_for_ours() -> None:
    some = {"role": ROLE, "members": {"user:a@example.com"}, "condition": {"title": "t", "expression": "false"}}
    assert same(granted([some], GCP, principal(GCP, MINE)), [some, {"role": ROLE, "members": {principal(GCP, MINE)}}])
