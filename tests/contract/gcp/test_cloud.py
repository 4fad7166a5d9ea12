"""Preflight, leftovers and prices of a project, over the real session, against the documented answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from infra.clouds.gcp.session import Refused
from infra.clouds.model import CloudError, Orphan
from infra.clusters.gcp.names import names
from infra.clusters.gcp.rights import RIGHTS, permissions
from infra.preflight.model import Finding, blocking
from infra.profile.load import load
from infra.profile.model import Profile
from tests.contract.gcp.project import TOKEN, Project, disabled, error, healthy, machine, quota, serve

pytestmark = pytest.mark.contract

REGION = ("compute", "/compute/v1/projects/my-project/regions/europe-west4")
CLUSTER = ("container", "/v1/projects/my-project/locations/europe-west4/clusters/mlp-gcp")
CLUSTERS = ("container", "/v1/projects/my-project/locations/-/clusters")
ASSETS = ("cloudasset", "/v1/projects/my-project:searchAllResources")


def profile(*given: str) -> Profile:
    return load("gcp", given)


def check(project: Project, *given: str) -> Sequence[Finding]:
    with serve(project, profile(*given)) as cloud:
        return cloud.check()


def wrong(found: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(finding.check, finding.severity) for finding in found if not finding.ok]


def only(found: Sequence[Finding], check: str) -> Finding:
    (finding,) = [finding for finding in found if finding.check == check and not finding.ok]
    return finding


# Preflight


def test_a_project_that_is_ready() -> None:
    project = healthy()
    found = check(project)
    assert wrong(found) == []
    assert {asked.authorization for asked in project.asked} == {f"Bearer {TOKEN}"}
    assert {asked.method for asked in project.asked if not asked.path.endswith(":testIamPermissions")} == {"GET"}
    order = list(dict.fromkeys(finding.check for finding in found))
    assert order == ["identity", "rights", "apis", "quotas", "machines", "version", "names", "neighbours"]
    assert TOKEN not in repr(found)


def test_missing_permissions_are_named() -> None:
    project = healthy()
    project.denied = {"container.clusters.create", "storage.buckets.setIamPolicy"}
    found = only(check(project), "rights")
    assert "2 permissions are missing" in found.message
    assert "container.clusters.create, storage.buckets.setIamPolicy" in found.message
    assert found.severity == "error"
    asked = [each for each in project.asked if each.path.endswith(":testIamPermissions")]
    assert {permission for each in asked for permission in each.body["permissions"]} >= set(permissions(RIGHTS))


def test_permissions_that_cannot_be_asked_about_stop_nothing() -> None:
    project = healthy()
    project.untestable = {"compute.zones.get", "iam.roles.undelete"}
    project.denied = {"dns.changes.create"}
    found = [finding for finding in check(project) if finding.check == "rights"]
    assert [(finding.ok, finding.severity) for finding in found] == [(False, "warning"), (False, "error")]
    assert "can't say of compute.zones.get, iam.roles.undelete on" in found[0].message
    assert "1 permissions are missing on project my-project: dns.changes.create." in found[1].message


def test_without_the_project_nothing_else_is_asked() -> None:
    project = healthy()
    project.answers["cloudresourcemanager", "/v3/projects/my-project"] = (
        403,
        error(403, "PERMISSION_DENIED", "The caller does not have permission"),
    )
    (finding,) = check(project)
    assert (finding.check, finding.ok) == ("identity", False)
    assert "cloudresourcemanager answered 403: The caller does not have permission" in finding.message
    assert len(project.asked) == 1


def test_a_project_that_goes_is_refused() -> None:
    project = healthy()
    project.answers["cloudresourcemanager", "/v3/projects/my-project"]["state"] = "DELETE_REQUESTED"
    (finding,) = check(project)
    assert "DELETE_REQUESTED" in finding.message


def test_apis_that_are_off_are_a_warning_and_so_is_what_they_would_say() -> None:
    project = healthy()
    project.off = {"compute", "dns"}
    found = check(project)
    assert blocking(found) == []
    apis = only(found, "apis")
    assert apis.message == "APIs are off: compute.googleapis.com, dns.googleapis.com."
    assert apis.remedy.endswith("gcloud services enable compute.googleapis.com dns.googleapis.com")
    assert ("quotas", "warning") in wrong(found)
    assert "gcloud services enable compute.googleapis.com" in only(found, "quotas").remedy


def test_the_api_that_switches_others_on_must_be_on() -> None:
    project = healthy()
    project.off = {"serviceusage"}
    assert ("apis", "warning") in wrong(check(project))


@pytest.mark.parametrize(
    ("limit", "used", "severity"),
    [(200, 196, "error"), (20, 0, "warning"), (12, 0, "warning"), (11, 0, "error")],
)
def test_quotas_stop_what_could_not_start_and_warn_of_what_could_not_grow(
    limit: float, used: float, severity: str
) -> None:
    project = healthy()
    project.answers[REGION]["quotas"][0] = quota("CPUS", limit, used)
    found = only(check(project), "quotas")
    assert found.severity == severity
    # Two system nodes would do, but each of three zones gets one.
    assert f"CPUS in europe-west4: {limit:g} allowed, {used:g} used" in found.message
    assert "starts with 12 and may grow to 28" in found.message
    assert "project=my-project" in found.remedy


def test_an_installed_clusters_own_nodes_do_not_count_against_it() -> None:
    project = healthy()
    project.answers[REGION]["quotas"][0] = quota("CPUS", 28, 28)
    project.answers[CLUSTER] = {"name": "mlp-gcp", "resourceLabels": {"mlp-installation": "gcp"}}
    assert wrong(check(project)) == []


def test_newer_families_and_gpus_have_quotas_of_their_own() -> None:
    project = healthy()
    for zone in "abc":
        base = f"/compute/v1/projects/my-project/zones/europe-west4-{zone}/machineTypes"
        project.answers["compute", f"{base}/n2-standard-8"] = machine("n2-standard-8", 8)
        project.answers["compute", f"{base}/g2-standard-8"] = machine("g2-standard-8", 8)
    project.answers[REGION]["quotas"] += [
        quota("N2_CPUS", 24),
        quota("NVIDIA_L4_GPUS", 0),
        quota("PREEMPTIBLE_CPUS", 0),
    ]
    found = [each for each in check(project, "gcp.size=medium") if not each.ok]
    messages = {each.message.partition(" ")[0]: each for each in found if each.check == "quotas"}
    assert set(messages) == {"N2_CPUS", "NVIDIA_L4_GPUS"}
    assert "may grow to 160" in messages["N2_CPUS"].message
    assert messages["NVIDIA_L4_GPUS"].severity == "warning"


def test_zones_without_the_machine_type_are_named() -> None:
    project = healthy()
    del project.answers["compute", "/compute/v1/projects/my-project/zones/europe-west4-b/machineTypes/e2-standard-4"]
    found = only(check(project), "machines")
    assert found.message == "zone europe-west4-b has no machine type e2-standard-4"
    assert "gcp.zone_names" in found.remedy


def test_zones_that_are_not_there_are_named() -> None:
    project = healthy()
    del project.answers["compute", "/compute/v1/projects/my-project/zones/europe-west4-c"]
    assert only(check(project), "machines").message == "zone europe-west4-c is not there"


def test_a_version_that_the_channel_lacks() -> None:
    found = only(check(healthy(), "gcp.release_channel=stable"), "version")
    assert found.message == "GKE offers no 1.36 in channel stable, but 1.35"
    assert wrong(check(healthy(), "gcp.release_channel=none")) == []


OTHERS: tuple[tuple[tuple[str, str], Mapping[str, Any], str], ...] = (
    (CLUSTER, {"name": "mlp-gcp", "resourceLabels": {"team": "x"}}, "GKE cluster mlp-gcp"),
    (
        ("artifactregistry", "/v1/projects/my-project/locations/europe-west4/repositories/mlp-gcp"),
        {"name": "projects/my-project/locations/europe-west4/repositories/mlp-gcp"},
        "image repository mlp-gcp",
    ),
    (("dns", "/dns/v1/projects/my-project/managedZones/mlp-gcp"), {"name": "mlp-gcp"}, "DNS zone mlp-gcp"),
)


@pytest.mark.parametrize(("place", "there", "called"), OTHERS, ids=["cluster", "repository", "zone"])
def test_names_that_others_have_are_taken(place: tuple[str, str], there: Mapping[str, Any], called: str) -> None:
    project = healthy()
    project.answers[place] = there
    assert only(check(project), "names").message == f"{called} is there and is not this installation's."


def test_a_bucket_of_another_project_is_taken_though_nobody_may_look() -> None:
    project, bucket = healthy(), names(profile()).bucket("artifacts")
    project.answers["storage", f"/storage/v1/b/{bucket}"] = (403, error(403, "", "no storage.buckets.get access"))
    assert bucket in only(check(project), "names").message
    project.answers["storage", f"/storage/v1/b/{bucket}"] = {"name": bucket, "labels": {"mlp-installation": "gcp"}}
    assert wrong(check(project)) == []


def test_other_clusters_of_the_project_share_its_identities() -> None:
    project = healthy()
    pool = {"workloadPool": "my-project.svc.id.goog"}
    project.answers[CLUSTERS] = {
        "clusters": [
            {"name": "mlp-gcp", "workloadIdentityConfig": pool},
            {"name": "other", "workloadIdentityConfig": pool},
            {"name": "plain"},
        ]
    }
    found = only(check(project), "neighbours")
    assert "workload identities: other." in found.message
    assert found.severity == "warning"


def test_a_busy_api_is_asked_again_and_not_for_ever() -> None:
    project, good = healthy(), healthy().answers[REGION]
    project.answers[REGION] = [(503, error(503, "UNAVAILABLE", "busy")), (429, error(429, "", "slow down")), good]
    assert wrong(check(project)) == []

    project = healthy()
    project.answers[REGION] = (503, error(503, "UNAVAILABLE", "The service is currently unavailable."))
    found = only(check(project), "quotas")
    assert found.message == "compute answered 503: The service is currently unavailable."
    assert len([each for each in project.asked if each.path == REGION[1]]) == 4


def test_what_is_no_json_is_a_finding() -> None:
    project = healthy()
    project.answers[REGION] = (200, b"<html>Sign in to the network</html>")
    assert "is there a proxy in between?" in only(check(project), "quotas").message


# Leftovers


def asset(kind: str, name: str, location: str = "europe-west4", **more: Any) -> dict[str, Any]:
    full = f"//{kind.partition('/')[0]}/projects/my-project/{name}"
    return {"assetType": kind, "name": full, "project": "projects/123456789012", "location": location, **more}


def test_what_is_left_has_a_command_that_removes_it() -> None:
    project = healthy()
    ours = {"labels": {"mlp-installation": "gcp"}}
    project.answers[ASSETS] = [
        {
            "results": [
                asset("compute.googleapis.com/Disk", "zones/europe-west4-a/disks/pvc-1", "europe-west4-a", **ours),
                asset("cloudkms.googleapis.com/CryptoKey", "locations/europe-west4/keyRings/r/cryptoKeys/data", **ours),
            ],
            "nextPageToken": "more",
        },
        {
            "results": [
                asset("compute.googleapis.com/Network", "global/networks/mlp-gcp", "global"),
                asset("compute.googleapis.com/Network", "global/networks/mlp-gcp-two", "global"),
                asset("storage.googleapis.com/Bucket", "b", labels={"mlp-installation": "gcp-two"}),
                asset("sqladmin.googleapis.com/Instance", "instances/mlp-gcp-1", state="STOPPING", **ours),
                asset("redis.googleapis.com/Instance", "locations/europe-west4/instances/odd", **ours),
            ]
        },
    ]
    with serve(project, profile()) as cloud:
        found = cloud.orphans()
    assert found == [
        Orphan(
            "compute.googleapis.com/Disk",
            "//compute.googleapis.com/projects/my-project/zones/europe-west4-a/disks/pvc-1",
            "gcloud compute disks delete pvc-1 --zone=europe-west4-a --project=my-project",
        ),
        Orphan(
            "compute.googleapis.com/Network",
            "//compute.googleapis.com/projects/my-project/global/networks/mlp-gcp",
            "gcloud compute networks delete mlp-gcp --project=my-project",
        ),
        Orphan(
            "redis.googleapis.com/Instance",
            "//redis.googleapis.com/projects/my-project/locations/europe-west4/instances/odd",
            "https://console.cloud.google.com/iam-admin/asset-inventory/resources?project=my-project&searchQuery=odd",
        ),
    ]
    assert [asked.query.get("pageToken") for asked in project.asked] == [None, ["more"]]
    assert project.asked[0].query["query"] == ['labels.mlp-installation="gcp" OR name:"mlp-gcp"']


def test_nothing_left_is_no_answer_to_a_question_that_was_not_asked() -> None:
    project = healthy()
    project.answers[ASSETS] = (403, disabled("cloudasset"))
    with serve(project, profile()) as cloud, pytest.raises(CloudError) as caught:
        cloud.orphans()
    assert isinstance(caught.value, Refused)
    assert caught.value.remedy == "Run: gcloud services enable cloudasset.googleapis.com"


# Prices


def entry(description: str, nanos: int, usage: str = "OnDemand", region: str = "europe-west4") -> dict[str, Any]:
    """An entry of the catalog, with a free tier before."""
    return {
        "description": description,
        "category": {"usageType": usage},
        "serviceRegions": [region],
        "pricingInfo": [
            {
                "pricingExpression": {
                    "tieredRates": [
                        {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": "0", "nanos": 0}},
                        {"startUsageAmount": 1, "unitPrice": {"currencyCode": "USD", "units": "0", "nanos": nanos}},
                    ]
                }
            }
        ],
    }


def test_a_machine_type_costs_what_its_parts_cost() -> None:
    project = healthy()
    project.answers["cloudbilling", "/v1/services"] = {
        "services": [
            {"name": "services/6F81-5844-456A", "displayName": "Compute Engine"},
            {"name": "services/95FF-2EF5-5EA1", "displayName": "Cloud Storage"},
        ]
    }
    project.answers["cloudbilling", "/v1/services/6F81-5844-456A/skus"] = [
        {
            "skus": [
                entry("E2 Instance Core running in Netherlands", 24_000_000),
                entry("E2 Instance Core running in Iowa", 21_000_000, region="us-central1"),
                entry("Spot Preemptible N2 Instance Core running in Netherlands", 8_000_000, "Preemptible"),
            ],
            "nextPageToken": "next",
        },
        {
            "skus": [
                entry("E2 Instance Ram running in Netherlands", 3_200_000),
                entry("Spot Preemptible N2 Instance Ram running in Netherlands", 1_000_000, "Preemptible"),
                entry("Balanced PD Capacity in Netherlands", 110_000_000),
            ]
        },
    ]
    project.answers["cloudbilling", "/v1/services/95FF-2EF5-5EA1/skus"] = {
        "skus": [entry("Standard Storage Netherlands", 20_000_000), entry("Standard Storage Netherlands", 21_000_000)]
    }
    skus = ("e2-standard-4", "n2-standard-8-spot", "pd-balanced", "gcs-standard", "n2-standard-8", "odd-thing")
    with serve(project, profile()) as cloud:
        found = cloud.prices(skus)
    # Two prices for one thing are none, and nothing is guessed for what the catalog lacks.
    assert found == {
        "e2-standard-4": pytest.approx(4 * 0.024 + 16 * 0.0032),
        "n2-standard-8-spot": pytest.approx(8 * 0.008 + 32 * 0.001),
        "pd-balanced": pytest.approx(0.11),
    }
