"""Preflight, leftovers and prices through the SDK's clients against a subscription on this machine."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy

from infra.clouds.azure.cloud import AzureCloud
from infra.clouds.azure.session import OfTenant, Session
from infra.clouds.model import CloudError
from infra.clusters.azure.bill import SKUS
from infra.clusters.azure.names import names
from infra.preflight.model import Finding, blocking
from infra.profile.load import load
from infra.profile.model import Profile
from tests.contract.azure.subscription import SUBSCRIPTION, TENANT, TOKEN, Subscription, Usage, machine, served

pytestmark = pytest.mark.contract

MACHINES = (
    ("Standard_D4s_v5", "standardDSv5Family", 4),
    ("Standard_D8s_v5", "standardDSv5Family", 8),
    ("Standard_NC8as_T4_v3", "Standard NCASv3_T4 Family", 8),
)


class Credential:
    """A token that was given once."""

    def __init__(self, token: str = TOKEN) -> None:
        self._token = token

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://management.azure.com/.default",)
        return AccessToken(self._token, 4_000_000_000)


class NobodySignedIn:
    def get_token(self, *_: str, **__: Any) -> AccessToken:
        raise ClientAuthenticationError(message="Please run 'az login' to setup account.")


class InClear(BearerTokenCredentialPolicy):  # type: ignore[misc]
    """As the SDK signs requests, over loopback without TLS."""

    def on_request(self, request: Any) -> None:
        request.context.options["enforce_https"] = False
        super().on_request(request)


@pytest.fixture
def there() -> Subscription:
    return Subscription(machines=[machine(*each) for each in MACHINES])


@pytest.fixture
def url(there: Subscription) -> Iterator[str]:
    with served(there) as address:
        yield address


def cloud(url: str, *given: str, credential: Any = None) -> AzureCloud:
    signed = credential or Credential()
    policy = InClear(signed, "https://management.azure.com/.default")
    session = Session(SUBSCRIPTION, TENANT, signed, policy, base=url, prices=url)
    return AzureCloud(profile(*given), session)


def profile(*given: str) -> Profile:
    return load("azure", given)


def found(findings: Any, check: str) -> Finding:
    return next(finding for finding in findings if finding.check == check)


def test_a_subscription_with_everything_is_ready(url: str, there: Subscription) -> None:
    findings = cloud(url, "azure.size=medium").check()
    assert [finding for finding in findings if not finding.ok] == []
    kinds = [finding.check.split(" ")[0] for finding in findings]
    order = ["identity", "rights", "quota", "machine", "database", "version", "providers", "name"]
    assert list(dict.fromkeys(kinds)) == order
    assert {method for method, _, _ in there.asked} <= {"GET", "POST"}


def test_nobody_signed_in_is_one_finding_with_the_command(url: str, there: Subscription) -> None:
    (only,) = cloud(url, credential=NobodySignedIn()).check()
    assert (only.check, only.ok) == ("identity", False)
    assert "az login" in only.remedy
    assert there.asked == []


def test_a_refused_token_is_told_without_the_token(url: str) -> None:
    (only,) = cloud(url, credential=Credential("another.secret.token")).check()
    assert not only.ok
    assert "Authentication failed" in only.message
    assert "another.secret.token" not in str(only)


def test_who_signed_in_is_named(url: str, there: Subscription, monkeypatch: pytest.MonkeyPatch) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"upn": "engineer@example.com"}).encode()).decode().rstrip("=")
    token = f"header.{claims}.signature"
    monkeypatch.setattr("tests.contract.azure.subscription.TOKEN", token)
    first = cloud(url, credential=Credential(token)).check()[0]
    assert first == Finding("identity", True, "Signed in as engineer@example.com in subscription Trial")


@pytest.mark.parametrize(("state", "fine"), [("Enabled", True), ("Warned", True), ("Disabled", False)])
def test_a_disabled_subscription_ends_the_questions(url: str, there: Subscription, state: str, fine: bool) -> None:
    there.state = state
    findings = cloud(url).check()
    assert findings[0].ok is fine
    assert (len(findings) > 1) is fine


def test_a_subscription_of_another_tenant_is_named(url: str, there: Subscription) -> None:
    there.tenant = "22222222-2222-2222-2222-222222222222"
    (only,) = cloud(url).check()
    assert there.tenant in only.message
    assert only.remedy.startswith(f"Set azure.tenant to {there.tenant}")


def test_missing_rights_are_named_and_rights_in_the_group_count(url: str, there: Subscription) -> None:
    there.permissions = [{"actions": ["*"], "notActions": ["Microsoft.Authorization/*/write"]}]
    lacking = found(cloud(url).check(), "rights")
    assert not lacking.ok
    assert "Microsoft.Authorization/locks/write" in lacking.message
    assert "Microsoft.Authorization/roleAssignments/write" in lacking.message
    assert "Microsoft.Authorization/roleAssignments/read" not in lacking.message

    there.things.add(f"/subscriptions/{SUBSCRIPTION}/resourcegroups/mlp-azure")
    there.group_permissions = [{"actions": ["microsoft.authorization/*"], "notActions": []}]
    assert found(cloud(url).check(), "rights").ok


def test_a_reader_may_make_nothing(url: str, there: Subscription) -> None:
    there.permissions = [{"actions": ["*/read"], "notActions": []}]
    lacking = found(cloud(url).check(), "rights")
    assert not lacking.ok
    assert "Microsoft.Compute/diskEncryptionSets/write" in lacking.message


def test_quotas_too_small_for_the_first_nodes_stop_and_for_growth_warn(url: str, there: Subscription) -> None:
    there.cores["standardDSv5Family"] = Usage(95, 100)
    short = found(cloud(url).check(), "quota standardDSv5Family")
    assert (short.ok, short.severity) == (False, "error")
    assert "8 cores are needed, 5 are free (westeurope: 95 of 100 used)" in short.message

    there.cores["standardDSv5Family"] = Usage(80, 100)
    tight = found(cloud(url).check(), "quota standardDSv5Family")
    assert (tight.ok, tight.severity) == (False, "warning")
    assert "Pools may grow to 28 cores, 20 are free" in tight.message


def test_what_an_installed_platform_uses_is_no_reason_to_refuse_up(url: str, there: Subscription) -> None:
    there.cores["standardDSv5Family"] = Usage(100, 100)
    there.network["PublicIPAddresses"] = Usage(10, 10)
    assert len(blocking(cloud(url).check())) == 2
    made = names(profile())
    there.things.add(made.id("Microsoft.ContainerService/managedClusters", made.cluster).lower())
    findings = cloud(url).check()
    assert blocking(findings) == []
    assert not found(findings, "quota standardDSv5Family").ok


def test_spot_nodes_use_a_quota_of_their_own(url: str, there: Subscription) -> None:
    there.cores["lowPriorityCores"] = Usage(0, 8)
    short = found(cloud(url, "azure.size=medium").check(), "quota lowPriorityCores")
    assert (short.ok, short.severity) == (False, "warning")
    assert "grow to 80 cores, 8 are free" in short.message


def test_no_address_left_stops(url: str, there: Subscription) -> None:
    there.network["PublicIPAddresses"] = Usage(10, 10)
    short = found(cloud(url).check(), "quota PublicIPAddresses")
    assert (short.ok, short.severity) == (False, "error")


def test_machine_types_that_are_not_there_are_named_with_the_reason(url: str, there: Subscription) -> None:
    blocked = machine("Standard_D8s_v5", "standardDSv5Family", 8)
    blocked["restrictions"] = [
        {"type": "Location", "values": ["westeurope"], "reasonCode": "NotAvailableForSubscription"}
    ]
    halved = machine("Standard_D4s_v5", "standardDSv5Family", 4)
    halved["restrictions"] = [
        {
            "type": "Zone",
            "values": ["westeurope"],
            "restrictionInfo": {"locations": ["westeurope"], "zones": ["3"]},
            "reasonCode": "NotAvailableForSubscription",
        }
    ]
    there.machines = [blocked, halved]
    findings = cloud(url, "azure.size=medium").check()
    assert "NotAvailableForSubscription" in found(findings, "machine Standard_D8s_v5").message
    assert "not offered in zone 3" in found(findings, "machine Standard_D4s_v5").message
    assert "Azure has no Standard_NC8as_T4_v3" in found(findings, "machine Standard_NC8as_T4_v3").message
    assert len(blocking(findings)) == 3
    assert found(cloud(url, "azure.zones=2").check(), "machine Standard_D4s_v5").ok


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"restricted": "Enabled"}, "PostgreSQL 17 on Standard_D2ds_v5 is not offered"),
        ({"supportedServerVersions": [{"name": "16"}]}, "PostgreSQL 17 on Standard_D2ds_v5 is not offered"),
        ({"supportedServerEditions": []}, "PostgreSQL 17 on Standard_D2ds_v5 is not offered"),
        ({"zoneRedundantHaSupported": "Disabled"}, "has no standby in another zone"),
    ],
)
def test_a_database_that_the_region_does_not_offer_stops(
    url: str, there: Subscription, change: dict[str, Any], said: str
) -> None:
    there.databases[0] |= change
    missing = found(cloud(url, "azure.size=medium").check(), "database Standard_D2ds_v5")
    assert not missing.ok
    assert said in missing.message


@pytest.mark.parametrize(
    "offered", [[{"version": "1.35"}], [{"version": "1.35"}, {"version": "1.36", "isPreview": True}]]
)
def test_a_version_that_aks_does_not_offer_yet_stops(url: str, there: Subscription, offered: list[Any]) -> None:
    there.versions = offered
    missing = found(cloud(url).check(), "version")
    assert not missing.ok
    assert "does not offer Kubernetes 1.36 in westeurope yet; it has 1.35" in missing.message


def test_unregistered_providers_come_with_the_commands(url: str, there: Subscription) -> None:
    there.unregistered = {"Microsoft.KeyVault"}
    missing = found(cloud(url).check(), "providers")
    assert missing.remedy == "az provider register --wait --namespace Microsoft.KeyVault"


def test_taken_names_are_told_and_our_own_are_not(url: str, there: Subscription) -> None:
    made = names(profile())
    there.taken = {made.vault, made.artifacts_account}
    there.things.add(made.id("Microsoft.Storage/storageAccounts", made.artifacts_account).lower())
    findings = cloud(url).check()
    assert found(findings, f"name {made.artifacts_account}").message.endswith("is this installation's")
    taken = found(findings, f"name {made.vault}")
    assert not taken.ok
    assert "already in use" in taken.message
    assert "az keyvault list-deleted" in taken.remedy


def test_tokens_are_of_the_profiles_tenant_wherever_one_is_at_home(url: str) -> None:
    asked: list[dict[str, Any]] = []

    class AtHomeElsewhere(Credential):
        def get_token(self, *scopes: str, **given: Any) -> AccessToken:
            asked.append(given)
            return super().get_token(*scopes)

    assert blocking(cloud(url, credential=OfTenant(AtHomeElsewhere(), TENANT)).check()) == []
    assert {given["tenant_id"] for given in asked} == {TENANT}


def test_throttling_is_waited_out(url: str, there: Subscription) -> None:
    there.throttled = 2
    assert blocking(cloud(url).check()) == []


def test_a_question_that_azure_refuses_is_a_finding_and_the_others_are_asked(url: str, there: Subscription) -> None:
    there.refused = "/kubernetesVersions"
    findings = cloud(url).check()
    refused = found(findings, "versions")
    assert not refused.ok
    assert "does not have authorization" in refused.message
    assert "ask an owner of the subscription" in refused.remedy
    assert found(findings, "providers").ok


def test_leftovers_are_found_over_all_pages_and_others_are_not(url: str, there: Subscription) -> None:
    base = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/mlp-azure"
    disk = f"{base}/providers/Microsoft.Compute/disks/pvc-1"
    for identity, kind, installation in (
        (base, "microsoft.resources/subscriptions/resourcegroups", "azure"),
        (disk, "microsoft.compute/disks", "azure"),
        (f"{disk}2", "microsoft.compute/disks", "azure"),
        (f"{disk}3", "microsoft.compute/disks", "azure-two"),
    ):
        there.tagged.append({"id": identity, "type": kind, "installation": installation})
    left = cloud(url).orphans()
    assert [each.identity for each in left] == [base, disk, f"{disk}2"]
    assert left[0].remedy == f"az group delete --subscription {SUBSCRIPTION} --name mlp-azure"
    assert left[1].remedy == f"az resource delete --ids {disk}"


def test_no_answer_about_leftovers_is_an_error_and_never_an_empty_list(url: str) -> None:
    with pytest.raises(CloudError, match="az resource list --tag mlp-installation=azure"):
        cloud(url, credential=Credential("wrong")).orphans()


def line(**given: Any) -> dict[str, Any]:
    return {
        "type": "Consumption",
        "armRegionName": "westeurope",
        "unitOfMeasure": "1 Hour",
        "tierMinimumUnits": 0.0,
        "currencyCode": "USD",
        **given,
    }


def test_prices_are_those_of_linux_of_the_region_and_of_one_unit(url: str, there: Subscription) -> None:
    machines = {"serviceName": "Virtual Machines", "armSkuName": "Standard_D4s_v5"}
    linux = {**machines, "productName": "Virtual Machines Dsv5 Series"}
    postgres = {"serviceName": "Azure Database for PostgreSQL"}
    series = "Azure Database for PostgreSQL Flexible Server General Purpose - Ddsv5 Series Compute"
    bandwidth = {"serviceName": "Bandwidth", "productName": "Rtn Preference: MGN"}
    there.prices = [
        line(**linux, meterName="D4s v5", retailPrice=0.23),
        line(**linux, meterName="D4s v5 Spot", retailPrice=0.05),
        line(**linux, meterName="D4s v5 Low Priority", retailPrice=0.06),
        line(**machines, productName="Virtual Machines Dsv5 Series Windows", meterName="D4s v5", retailPrice=0.4),
        line(**linux, meterName="D4s v5", retailPrice=0.19, armRegionName="eastus"),
        line(**linux, meterName="D4s v5", retailPrice=0.1, type="Reservation"),
        line(**postgres, productName=series, meterName="vCore", retailPrice=0.1),
        line(**postgres, productName=series.replace("Ddsv5", "Ddsv4"), meterName="vCore", retailPrice=0.05),
        line(
            serviceName="Storage",
            skuName="P10 LRS",
            productName="Premium SSD Managed Disks",
            meterName="P10 LRS Disk",
            retailPrice=21.68,
            unitOfMeasure="1/Month",
        ),
        line(
            serviceName="NAT Gateway",
            productName="NAT Gateway",
            meterName="Standard Gateway",
            retailPrice=0.045,
            armRegionName="Global",
        ),
        line(
            serviceName="Container Registry",
            productName="Container Registry",
            meterName="Premium Registry Unit",
            retailPrice=1.6666,
            unitOfMeasure="1/Day",
        ),
        line(**bandwidth, meterName="Standard Data Transfer Out", retailPrice=0.0, unitOfMeasure="1 GB"),
        line(
            **bandwidth,
            meterName="Standard Data Transfer Out",
            retailPrice=0.087,
            tierMinimumUnits=100.0,
            unitOfMeasure="1 GB",
        ),
        line(
            **bandwidth,
            meterName="Standard Data Transfer Out",
            retailPrice=0.05,
            tierMinimumUnits=153600.0,
            unitOfMeasure="1 GB",
        ),
    ]
    assert cloud(url).prices([*SKUS, "no-such-key"]) == {
        "Standard_D4s_v5": 0.23,
        "disk-P10": 21.68,
        "internet-out": 0.087,
        "nat-gateway": 0.045,
        "postgres-Standard_D2ds_v5": 0.2,
        "postgres-Standard_D8ds_v5": 0.8,
        "registry-premium": 50.66464,
    }
    assert cloud(url).prices(["Standard_D4s_v5-spot"]) == {"Standard_D4s_v5-spot": 0.05}


def test_a_price_list_that_is_down_is_an_error(there: Subscription) -> None:
    with served(there) as address:
        gone = cloud(address)
    with pytest.raises(CloudError, match="price list does not answer"):
        AzureCloud(gone.profile, replace(gone.session, retries=0)).prices(["nat-gateway"])
