"""The stage of `platform tour`: a person with one token, in a workspace of a tenant; and a stranger in another one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from components.contract import KubernetesObject
from components.facts import PlatformFacts
from components.tracking.workspace import WORKLOAD_SERVICE_ACCOUNT
from infra.api.client import Access, Client
from infra.kubectl import Kubectl, KubectlFailed, short, until
from infra.verify.story import WORKSPACE, Place, Story
from infra.verify.tour.notebooks import Notebook


class Tour(Story):
    """Everything is done by the person's token at the gateway; the administrator only makes tenants and reads names."""

    name = "tour"
    quota: Mapping[str, Any] = {"cpu": "8", "memory": "12Gi", "storage": "6Gi", "pods": 40}

    def __init__(self, api: Client, kubectl: Kubectl, facts: PlatformFacts) -> None:
        super().__init__(api, kubectl, facts)
        self._folder = tempfile.TemporaryDirectory(prefix="mlp-tour-")
        self.seen: dict[str, Any] = {}
        """What later steps need of earlier ones."""

    def close(self) -> None:
        self._folder.cleanup()
        super().close()

    @cached_property
    def me(self) -> Kubectl:
        """kubectl of the person: through the gateway, with the platform's token and nothing else."""
        api = self.person_api
        document = api.get(f"/tenants/{self.a.tenant}/workspaces/{WORKSPACE}/kubeconfig")
        token = Path(self._folder.name) / "token"
        token.write_text(api.access.token)
        token.chmod(0o600)
        document["users"][0]["user"] = {"tokenFile": str(token)}
        path = Path(self._folder.name) / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        return Kubectl(self.kubectl.binary, path)

    @cached_property
    def notebook(self) -> Notebook:
        """The person's notebook server."""
        return Notebook(self.person_api.access, self.name, self.a.tenant, WORKSPACE)

    def access(self, place: Place) -> Access:
        """How a pod of that place's workload would call the gateway: the token of its service account."""
        token = self.kubectl.run(
            "create", "token", WORKLOAD_SERVICE_ACCOUNT, f"--namespace={place.namespace}", "--audience=mlp",
            "--duration=10m",
        )  # fmt: skip
        known = self.person_api.access
        return Access(known.url, token.strip(), known.ca)

    def submit(self, obj: KubernetesObject) -> str:
        """Creates an object as the person; its resource with its name, as kubectl takes it."""
        kind, _, version = str(obj["kind"]).lower(), "", str(obj["apiVersion"])
        self.me.create(obj)
        group = version.partition("/")[0] if "/" in version else ""
        return f"{kind}.{group}/{obj['metadata']['name']}" if group else f"{kind}/{obj['metadata']['name']}"

    def ended(
        self, what: str, seconds: float, judge: Callable[[dict[str, Any]], str | None], every: float = 1.0
    ) -> str:
        """Waits until `judge` says of the object how it ended; on time-out the error tells where it stands."""
        last: dict[str, Any] = {}

        def ask() -> str | None:
            nonlocal last
            last = json.loads(self.me.run("get", what, f"--namespace={self.a.namespace}", "-o", "json"))
            return judge(last)

        try:
            return until(what, seconds, ask, every)
        except AssertionError as error:
            raise AssertionError(f"{error}; it stands at {short(json.dumps(last.get('status', {})), 600)}") from error

    def runs(self, where: str) -> list[dict[str, Any]]:
        """Runs of the workspace that match, asked by the person at the gateway."""
        listed = self.mlflow("/api/2.0/mlflow/experiments/search", {"max_results": "100"})
        found = self.mlflow_post(
            "/api/2.0/mlflow/runs/search",
            {"experiment_ids": [each["experiment_id"] for each in listed["experiments"]], "filter": where},
        )
        runs: list[dict[str, Any]] = found.get("runs", [])
        return runs

    def logs(self, selector: str) -> str:
        """The last lines of the pods with those labels; empty where there are none any more."""
        try:
            return self.me.run(
                "logs", f"--namespace={self.a.namespace}", f"--selector={selector}", "--all-containers",
                "--tail=40", "--prefix",
            )  # fmt: skip
        except KubectlFailed as error:
            return f"(no logs: {error})"


def condition(obj: Mapping[str, Any], *types: str) -> str | None:
    """The first of these conditions that is True, with its message; None while none is."""
    for each in (obj.get("status") or {}).get("conditions") or ():
        if each["type"] in types and each["status"] == "True":
            return f"{each['type']}: {each.get('message') or each.get('reason') or ''}".strip()
    return None
