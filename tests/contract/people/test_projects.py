"""Jobs of MLflow projects by the gateway, as the plugin of the workspace's image makes them."""

from __future__ import annotations

from typing import Any

import pytest

from components.tracking.client.cluster import Cluster, ClusterError
from components.tracking.client.jobs import job, outcome, parsed
from tests.contract.people.conftest import Front
from tests.contract.reconcile.world import FACTS
from tests.servers.gateway import program

pytestmark = [
    pytest.mark.contract,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("people"),
    pytest.mark.skipif(program() is None, reason="nginx is missing: `platform tools --for tests` unpacks it"),
]
RUN = "0123456789abcdef0123456789abcdef"


def _cluster(front: Front, token: str, namespace: str = "") -> Cluster:
    """In a pod of the workspace, with that token in MLP_TOKEN."""
    return Cluster(
        {
            "MLFLOW_TRACKING_URI": f"https://localhost:{front.gateway.port}/mlflow",
            "MLFLOW_TRACKING_SERVER_CERT_PATH": str(front.gateway.folder / "pki" / "ca.crt"),
            "MLFLOW_WORKSPACE": namespace or front.namespace,
            "MLP_TOKEN": token,
        }
    )


def _job(front: Front) -> dict[str, Any]:
    return job(
        RUN, namespace=front.namespace, image=FACTS.workspace_image, entry_point="main", parameters={},
        config=parsed({}),
    )  # fmt: skip


def test_a_member_starts_follows_and_ends_a_projects_job(front: Front) -> None:
    cluster, wanted = _cluster(front, front.system.token("mo")), _job(front)
    name = wanted["metadata"]["name"]
    cluster.create(wanted)
    seen = cluster.get(name)
    assert (seen["metadata"]["labels"]["mlp.io/mlflow-run"], outcome(seen)[0] in ("SCHEDULED", "RUNNING")) == (
        RUN,
        True,
    )
    cluster.delete(name)
    with pytest.raises(ClusterError, match="404"):
        cluster.get(name)


def test_nobody_else_does(front: Front) -> None:
    pod = front.world.server.service_account_token(front.namespace, "workload", audiences=["mlp"])
    for token, namespace, says in (
        (front.system.token("vi"), front.namespace, "403"),
        (front.system.token("mo"), front.foreign, "403"),
        (front.system.token("eve"), front.namespace, "403"),
        ("mlp_nonsense", front.namespace, "401"),
        (pod, front.namespace, "40[13]"),
    ):
        with pytest.raises(ClusterError, match=says):
            _cluster(front, token, namespace).create(_job(front))
