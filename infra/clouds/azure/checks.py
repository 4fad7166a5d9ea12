"""Preflight's questions to Azure, each with its answer as findings."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.clouds.azure.needs import NETWORK, PROVIDERS, Cores, Machine, Offer, cores, lacking_zones, machine
from infra.clouds.azure.permissions import Permission, missing
from infra.clouds.azure.session import MANAGEMENT, AzureError, Session, words
from infra.clouds.model import CloudError
from infra.clusters.azure.names import Names, azure_of, names
from infra.clusters.azure.rights import all_actions
from infra.clusters.azure.shape import POSTGRESQL, Shape, shape
from infra.preflight.model import Finding, Severity
from infra.profile.azure import Azure
from infra.profile.model import Profile

VERSIONS = {
    "subscriptions": "2022-12-01",
    "permissions": "2022-04-01",
    "kubernetes": "2025-05-01",
    "registry": "2023-07-01",
    "vault": "2023-07-01",
    "storage": "2023-05-01",
    "postgresql": "2024-08-01",
}
"""API versions of what is asked without a client of the SDK."""


@dataclass(frozen=True)
class Checks:
    """All questions about one profile, in the order in which their answers make sense."""

    session: Session
    azure: Azure
    names: Names
    shape: Shape
    kubernetes: str
    """Minor version, such as 1.36."""
    machines: dict[str, Machine] = field(default_factory=dict)
    """Filled by the first question that needs it."""

    def run(self) -> list[Finding]:
        """Without an identity nothing else is asked: every answer would be the same refusal."""
        found = list(self._guarded("identity", self.identity))
        if not all(finding.ok for finding in found):
            return found
        questions: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
            ("rights", self.rights),
            ("quotas", self.quotas),
            ("addresses", self.network_quotas),
            ("machine types", self.machine_types),
            ("database type", self.database_type),
            ("versions", self.versions),
            ("providers", self.providers),
            ("names", self.free_names),
        )
        for name, ask in questions:
            found += self._guarded(name, ask)
        return found

    def identity(self) -> Iterator[Finding]:
        """Who the credentials are, and that the subscription is one of the profile's tenant."""
        token = self.session.credential.get_token(f"{MANAGEMENT}/.default", tenant_id=self.session.tenant).token
        there = self.session.ask(f"/subscriptions/{self.azure.subscription}", VERSIONS["subscriptions"])
        state, tenant = str(there.get("state")), str(there.get("tenantId", self.azure.tenant))
        if tenant != self.azure.tenant:
            yield Finding(
                "identity",
                False,
                f"Subscription {self.azure.subscription} belongs to tenant {tenant}, the profile says "
                f"{self.azure.tenant}",
                f"Set azure.tenant to {tenant}, or name another subscription",
            )
        elif state not in ("Enabled", "Warned"):
            yield Finding(
                "identity",
                False,
                f"Subscription {self.azure.subscription} is {state}; nothing can be made in it",
                "Have it enabled in the portal under Subscriptions",
            )
        else:
            yield Finding("identity", True, f"{caller(token)} in subscription {there.get('displayName')}")

    def rights(self) -> Iterator[Finding]:
        """What the caller may do in the subscription, and in the platform's group where there is one."""
        path = f"/subscriptions/{self.azure.subscription}/providers/Microsoft.Authorization/permissions"
        found = self.session.ask(path, VERSIONS["permissions"]).get("value", [])
        permissions = [
            Permission(tuple(each.get("actions") or ()), tuple(each.get("notActions") or ())) for each in found
        ]
        group = f"/subscriptions/{self.azure.subscription}/resourceGroups/{self.names.group}"
        if missing(all_actions(), permissions) and self.session.exists(group, VERSIONS["subscriptions"]):
            listed = self.session.authorization().permissions.list_for_resource_group(self.names.group)
            permissions += [Permission(tuple(each.actions or ()), tuple(each.not_actions or ())) for each in listed]
        lacking = missing(all_actions(), permissions)
        if lacking:
            shown = ", ".join(lacking[:8]) + (f" and {len(lacking) - 8} more" if len(lacking) > 8 else "")
            yield Finding(
                "rights",
                False,
                f"You may not do {len(lacking)} of the things that installing takes: {shown}",
                "Ask an owner of the subscription for the role that `platform rights` writes down",
            )
        else:
            yield Finding("rights", True, f"All {len(all_actions())} actions are allowed")

    def quotas(self) -> Iterator[Finding]:
        """Cores by family of machine types, all together, and those of spot nodes.

        What an installed platform has taken already counts as used: too little is no reason to refuse `up` then.
        """
        known, severity = self._machines(), self._severity()
        usages = {each.name.value.lower(): each for each in self.session.compute().usage.list(self.azure.location)}
        for quota, wanted in cores(self.shape, known).items():
            there = usages.get(quota.lower())
            if there is not None:
                yield self._quota(quota, wanted, int(there.current_value), int(there.limit), severity)

    def _quota(self, quota: str, wanted: Cores, used: int, limit: int, severity: Severity) -> Finding:
        free = limit - used
        where = f"{self.azure.location}: {used} of {limit} used"
        remedy = f"Ask for more under Quotas in the portal (Compute, {self.azure.location}, {quota}), or grow less"
        if wanted.first > free:
            message = f"{wanted.first} cores are needed, {free} are free ({where})"
            return Finding(f"quota {quota}", False, message, remedy, severity)
        if wanted.most > free:
            message = f"Pools may grow to {wanted.most} cores, {free} are free ({where})"
            return Finding(f"quota {quota}", False, message, remedy, "warning")
        return Finding(f"quota {quota}", True, f"{wanted.most} cores at most, {free} are free ({where})")

    def network_quotas(self) -> Iterator[Finding]:
        """Networks, addresses, endpoints."""
        severity = self._severity()
        usages = {each.name.value: each for each in self.session.network().usages.list(self.azure.location)}
        for quota, wanted in NETWORK.items():
            there = usages.get(quota)
            if there is None:
                continue
            free = int(there.limit) - int(there.current_value)
            enough = wanted <= free
            yield Finding(
                f"quota {quota}",
                enough,
                f"{wanted} needed, {free} free in {self.azure.location}",
                "" if enough else f"Ask for more under Quotas in the portal (Networking, {quota})",
                severity,
            )

    def machine_types(self) -> Iterator[Finding]:
        """Every pool's machine type, in every zone."""
        known = self._machines()
        for name in sorted({pool.machine for pool in self.shape.pools}):
            there = known.get(name)
            remedy = (
                f"Choose another machine type for the pool, from: az vm list-skus -l {self.azure.location} -o table"
            )
            if there is None:
                yield Finding(f"machine {name}", False, f"Azure has no {name} in {self.azure.location}", remedy)
            elif there.blocked:
                message = f"The subscription may not use {name} in {self.azure.location} ({there.blocked})"
                yield Finding(f"machine {name}", False, message, remedy)
            elif lacking := lacking_zones(self.shape.zones, there):
                message = f"{name} is not offered in zone {', '.join(lacking)} of {self.azure.location}"
                yield Finding(f"machine {name}", False, message, f"{remedy}, or set azure.zones lower")
            else:
                yield Finding(f"machine {name}", True, f"{name} in zones {', '.join(self.shape.zones)}")

    def database_type(self) -> Iterator[Finding]:
        """The PostgreSQL server's machine type, version and standby."""
        path = (
            f"/subscriptions/{self.azure.subscription}/providers/Microsoft.DBforPostgreSQL/locations/"
            f"{self.azure.location}/capabilities"
        )
        wanted, where = self.shape.database, self.azure.location
        offered = [Offer.of(each) for each in self.session.ask(path, VERSIONS["postgresql"]).get("value", [])]
        check = f"database {wanted.machine}"
        remedy = "Choose another azure.database.machine or location: az postgres flexible-server list-skus -l LOCATION"
        if not any(wanted.machine in offer.machines and POSTGRESQL in offer.versions for offer in offered):
            message = f"PostgreSQL {POSTGRESQL} on {wanted.machine} is not offered to the subscription in {where}"
            yield Finding(check, False, message, remedy)
        elif wanted.high_availability and wanted.zonal_standby and not any(offer.zonal_standby for offer in offered):
            message = f"{where} has no standby in another zone for PostgreSQL servers"
            yield Finding(check, False, message, "Set azure.database.high_availability to false, or azure.zones to 1")
        else:
            yield Finding(check, True, f"PostgreSQL {POSTGRESQL} on {wanted.machine} in {where}")

    def versions(self) -> Iterator[Finding]:
        """Whether AKS offers the version of Kubernetes, and not as a preview."""
        path = (
            f"/subscriptions/{self.azure.subscription}/providers/Microsoft.ContainerService/locations/"
            f"{self.azure.location}/kubernetesVersions"
        )
        offered = self.session.ask(path, VERSIONS["kubernetes"]).get("values", [])
        released = sorted((str(each["version"]) for each in offered if not each.get("isPreview")), key=_numbers)
        if self.kubernetes in released:
            yield Finding("version", True, f"AKS offers Kubernetes {self.kubernetes} in {self.azure.location}")
        else:
            yield Finding(
                "version",
                False,
                f"AKS does not offer Kubernetes {self.kubernetes} in {self.azure.location} yet; it has "
                f"{', '.join(released) or 'none'}",
                "Choose a location that has it (az aks get-versions -l LOCATION -o table), or wait until it is there",
            )

    def providers(self) -> Iterator[Finding]:
        """Resource providers: a new subscription has few of them."""
        client = self.session.resources()
        found = {name: str(client.providers.get(name).registration_state) for name in PROVIDERS}
        lacking = [name for name, state in found.items() if state != "Registered"]
        if lacking:
            commands = "; ".join(f"az provider register --wait --namespace {name}" for name in lacking)
            yield Finding("providers", False, f"Not registered in the subscription: {', '.join(lacking)}", commands)
        else:
            yield Finding("providers", True, f"All {len(PROVIDERS)} resource providers are registered")

    def free_names(self) -> Iterator[Finding]:
        """Names that must be unique in the world: free, or ours already."""
        made, base = self.names, f"/subscriptions/{self.azure.subscription}/providers"
        for account in (made.artifacts_account, made.workspaces_account):
            answer = self.session.storage().storage_accounts.check_name_availability(
                {"name": account, "type": "Microsoft.Storage/storageAccounts"}
            )
            identity = made.id("Microsoft.Storage/storageAccounts", account)
            yield self._name(account, bool(answer.name_available), str(answer.message or ""), identity, "storage")
        others = (
            ("Microsoft.ContainerRegistry", "registries", made.registry, "registry"),
            ("Microsoft.KeyVault", "vaults", made.vault, "vault"),
            ("Microsoft.DBforPostgreSQL", "flexibleServers", made.server, "postgresql"),
        )
        for provider, kind, name, version in others:
            body = {"name": name, "type": f"{provider}/{kind}"}
            given = self.session.ask(f"{base}/{provider}/checkNameAvailability", VERSIONS[version], body)
            identity = made.id(f"{provider}/{kind}", name)
            yield self._name(name, bool(given.get("nameAvailable")), str(given.get("message") or ""), identity, version)

    def _name(self, name: str, free: bool, message: str, identity: str, version: str) -> Finding:
        if free:
            return Finding(f"name {name}", True, f"{name} is free")
        if self.session.exists(identity, VERSIONS[version]):
            return Finding(f"name {name}", True, f"{name} is this installation's")
        return Finding(
            f"name {name}",
            False,
            f"{name} is taken: {message}",
            "Give the profile another name. A vault that was deleted keeps its name until Azure purges it: "
            "az keyvault list-deleted -o table",
        )

    def _severity(self) -> Severity:
        cluster = self.names.id("Microsoft.ContainerService/managedClusters", self.names.cluster)
        return "warning" if self.session.exists(cluster, VERSIONS["kubernetes"]) else "error"

    def _machines(self) -> dict[str, Machine]:
        if not self.machines:
            listed = self.session.compute().resource_skus.list(filter=f"location eq '{self.azure.location}'")
            self.machines.update({each.name: each for each in map(machine, listed) if each is not None})
        return self.machines

    @staticmethod
    def _guarded(name: str, ask: Callable[[], Iterator[Finding]]) -> list[Finding]:
        found: list[Finding] = []
        try:
            found.extend(ask())
        except (AzureError, CloudError) as error:
            remedy = (
                "Sign in with: az login"
                if name == "identity"
                else "Try again; if it stays, ask an owner of the subscription for the right to read this"
            )
            found.append(Finding(name, False, f"Azure did not answer: {words(error)}", remedy))
        return found


def checks(profile: Profile, session: Session) -> Checks:
    """The questions about a profile. Raises ClusterError for what Azure does not have."""
    minor = ".".join(profile.kubernetes.version.removeprefix("v").split(".")[:2])
    return Checks(session, azure_of(profile), names(profile), shape(profile), minor)


def caller(token: str) -> str:
    """Who a token is for, in words; it is not verified, which is Azure's business."""
    try:
        body = token.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return "Signed in"
    person = claims.get("upn") or claims.get("unique_name")
    return f"Signed in as {person}" if person else f"Signed in as application {claims.get('appid', 'unknown')}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
