"""Preflight's questions about a project: who asks, with which rights, which APIs, what there is and what is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from infra.clouds.gcp.capacity import Capacity
from infra.clouds.gcp.session import Api, Refused
from infra.clouds.model import CloudError
from infra.clusters.gcp.apis import APIS, FIRST
from infra.clusters.gcp.names import LABEL_INSTALLATION, gcp_of, names
from infra.clusters.gcp.rights import ADMINISTRATOR, RIGHTS, permissions
from infra.preflight.model import Finding
from infra.profile.model import Profile

_RIGHTS_AT_ONCE = 100
"""Permissions that one request may ask about."""


class Checks:
    """The questions, in the order in which their answers matter."""

    def __init__(self, api: Api, profile: Profile) -> None:
        self._api, self._profile = api, profile
        self._gcp, self._names = gcp_of(profile), names(profile)
        self._project = f"/v3/projects/{self._gcp.project}"

    def all(self) -> list[Finding]:
        """A question that could not be asked is a finding too; without credentials there is only that one."""
        identity = list(_asked("identity", self.identity))
        if not all(finding.ok for finding in identity):
            return identity
        capacity = Capacity(self._api, self._profile, installed=self._installed())
        questions: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
            ("rights", self.rights),
            ("apis", self.apis),
            ("quotas", capacity.quotas),
            ("machines", capacity.machines),
            ("version", capacity.version),
            ("names", self.taken),
            ("neighbours", self.neighbours),
        )
        return [*identity, *(finding for name, ask in questions for finding in _asked(name, ask))]

    def identity(self) -> Iterator[Finding]:
        """Whether the credentials work, and for this project."""
        found = self._api.get("cloudresourcemanager", self._project)
        state = found.get("state", "")
        yield Finding(
            "identity",
            state == "ACTIVE",
            f"{self._api.who} sees project {self._gcp.project} ({found.get('name', '')}), which is "
            f"{state or 'in no known state'}",
            "Restore the project, or set gcp.project to another one.",
        )

    def rights(self) -> Iterator[Finding]:
        """Every permission of the installer's role, on the project."""
        wanted = [*permissions(RIGHTS), "container.clusterRoleBindings.create"]
        granted: set[str] = set()
        unknown: list[str] = []
        for start in range(0, len(wanted), _RIGHTS_AT_ONCE):
            self._test(wanted[start : start + _RIGHTS_AT_ONCE], granted, unknown)
        missing = [permission for permission in wanted if permission not in granted and permission not in unknown]
        if unknown:
            yield Finding(
                "rights",
                False,
                f"GCP can't say of {', '.join(unknown)} on project {self._gcp.project} whether you may.",
                "Look at the installer's role (docs/targets/gcp.md).",
                severity="warning",
            )
        if not missing:
            yield Finding("rights", True, f"{len(wanted) - len(unknown)} permissions are there")
            return
        yield Finding(
            "rights",
            False,
            f"{len(missing)} permissions are missing on project {self._gcp.project}: {', '.join(missing)}.",
            f"Have an administrator give you the installer's role and {ADMINISTRATOR} (docs/targets/gcp.md).",
        )

    def _test(self, wanted: list[str], granted: set[str], unknown: list[str]) -> None:
        """GCP refuses the whole question for one permission that it does not test on projects: halves find that one."""
        try:
            answer = self._api.post(
                "cloudresourcemanager", f"{self._project}:testIamPermissions", {"permissions": wanted}
            )
            granted |= set(answer.get("permissions", ()))
        except Refused as refused:
            if refused.status != 400:
                raise
            if len(wanted) == 1:
                unknown += wanted
                return
            for half in (wanted[: len(wanted) // 2], wanted[len(wanted) // 2 :]):
                self._test(half, granted, unknown)

    def apis(self) -> Iterator[Finding]:
        """`up` switches on what is off, but for those that it needs to do so."""
        states: dict[str, str] = {}
        wanted = [*FIRST, *APIS]
        parent = f"projects/{self._gcp.project}"
        answer = self._api.get(
            "serviceusage",
            f"/v1/{parent}/services:batchGet",
            names=[f"{parent}/services/{service}" for service in wanted],
        )
        for service in answer.get("services", ()):
            states[str(service.get("name", "")).rpartition("/")[2]] = str(service.get("state", ""))
        off = [service for service in wanted if states.get(service) != "ENABLED"]
        if not off:
            yield Finding("apis", True, f"all {len(wanted)} APIs are on")
            return
        yield Finding(
            "apis",
            False,
            f"APIs are off: {', '.join(off)}.",
            f"`up` switches them on; to do it now: gcloud services enable {' '.join(off)}",
            severity="error" if set(off) & set(FIRST) else "warning",
        )

    def taken(self) -> Iterator[Finding]:
        """What bears a name of ours must bear our label, or it is somebody else's."""
        gcp, prefix = self._gcp, self._names.prefix
        region = f"projects/{gcp.project}/locations/{gcp.region}"
        bucket = self._names.bucket("artifacts")
        things: tuple[tuple[str, str, str, str, str], ...] = (
            ("GKE cluster", prefix, "container", f"/v1/{region}/clusters/{prefix}", "resourceLabels"),
            ("image repository", prefix, "artifactregistry", f"/v1/{region}/repositories/{prefix}", "labels"),
            ("DNS zone", prefix, "dns", f"/dns/v1/projects/{gcp.project}/managedZones/{prefix}", "labels"),
            ("bucket", bucket, "storage", f"/storage/v1/b/{bucket}", "labels"),
        )
        for kind, name, service, path, labels in things:
            yield from _asked("names", lambda: self._one_taken(kind, name, service, path, labels))  # noqa: B023

    def _one_taken(self, kind: str, name: str, service: str, path: str, labels: str) -> Iterator[Finding]:
        try:
            found = self._api.find(service, path)
        except Refused as refused:
            if kind != "bucket" or refused.status != 403:
                raise
            found = {}  # Somebody else's: the world shares the names of buckets.
        ours = found is None or (found.get(labels) or {}).get(LABEL_INSTALLATION) == self._profile.name
        yield Finding(
            "names",
            ours,
            f"{kind} {name} is free or ours" if ours else f"{kind} {name} is there and is not this installation's.",
            "" if ours else "Choose another name for the profile, or delete it.",
        )

    def neighbours(self) -> Iterator[Finding]:
        """Clusters of one project share their identities."""
        clusters = self._api.get("container", f"/v1/projects/{self._gcp.project}/locations/-/clusters")
        others = sorted(
            str(cluster["name"])
            for cluster in clusters.get("clusters", ())
            if cluster["name"] != self._names.prefix and cluster.get("workloadIdentityConfig", {}).get("workloadPool")
        )
        yield Finding(
            "neighbours",
            not others,
            f"the project has other clusters with workload identities: {', '.join(others)}. A namespace there that is "
            "named like one here gets its rights."
            if others
            else "no other cluster shares the project's identities",
            "Have a project for each installation." if others else "",
            severity="warning",
        )

    def _installed(self) -> bool:
        """Whether the cluster is there: its nodes are among what is used already."""
        path = f"/v1/projects/{self._gcp.project}/locations/{self._gcp.region}/clusters/{self._names.prefix}"
        try:
            found = self._api.find("container", path)
        except CloudError:
            return False  # `taken` asks again and tells why.
        return bool(found) and (found or {}).get("resourceLabels", {}).get(LABEL_INSTALLATION) == self._profile.name


def _asked(name: str, ask: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from ask()
    except Refused as refused:
        # Quotas, machines and the like can't be asked about before their API is on, which `up` does.
        later = refused.reason == "SERVICE_DISABLED" and name != "identity"
        said = f"{str(refused).rstrip('.')}."
        yield Finding(name, False, said, refused.remedy, severity="warning" if later else "error")
    except CloudError as error:
        yield Finding(name, False, str(error))
