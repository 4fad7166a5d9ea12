"""Queues of tenants: whole objects, and what holds them."""

from __future__ import annotations

import pytest

from components.contract import Tenant, Workspace
from components.facts import Queueing
from components.queueing import COMPONENT
from components.queueing.objects import configuration
from components.queueing.tenants import tenant_objects
from tests.servers.facts import facts

GIB = 2**30
TENANT = Tenant(
    "vision",
    cpu=2500,
    memory=8 * GIB,
    gpus={"nvidia.com/gpu": 4},
    workspaces=(Workspace("vision", "one", "ws-vision--one"), Workspace("vision", "two", "ws-vision--two")),
)


def _with(borrowing: int, lending: int) -> dict[str, object]:
    given = facts().model_copy(update={"queueing": Queueing(borrowing=borrowing, lending=lending)})
    queue, *_ = tenant_objects(TENANT, given)
    group = queue["spec"]["resourceGroups"][0]
    return {each["name"]: each for each in group["flavors"][0]["resources"]}


def test_a_tenant_has_one_queue_with_its_quota_and_explicit_limits() -> None:
    queue, *locals_ = tenant_objects(TENANT, facts())
    assert queue == {
        "apiVersion": "kueue.x-k8s.io/v1beta2",
        "kind": "ClusterQueue",
        "metadata": {"name": "tenant-vision"},
        "spec": {
            "cohortName": "mlp",
            "namespaceSelector": {"matchLabels": {"mlp.io/tenant": "vision"}},
            "queueingStrategy": "BestEffortFIFO",
            "preemption": {"reclaimWithinCohort": "Any", "withinClusterQueue": "LowerPriority"},
            "resourceGroups": [
                {
                    "coveredResources": ["cpu", "memory", "nvidia.com/gpu"],
                    "flavors": [
                        {
                            "name": "mlp-default",
                            "resources": [
                                {"name": name, "nominalQuota": own, "borrowingLimit": "0", "lendingLimit": own}
                                for name, own in (("cpu", "2500m"), ("memory", "8Gi"), ("nvidia.com/gpu", "4"))
                            ],
                        }
                    ],
                }
            ],
            "stopPolicy": "None",
        },
    }
    assert [each["metadata"] for each in locals_] == [
        {"name": "default", "namespace": "ws-vision--one"},
        {"name": "default", "namespace": "ws-vision--two"},
    ]
    assert {each["spec"]["clusterQueue"] for each in locals_} == {"tenant-vision"}


def test_sharing_follows_the_settings() -> None:
    shared = _with(50, 20)
    assert shared["cpu"] == {"name": "cpu", "nominalQuota": "2500m", "borrowingLimit": "1250m", "lendingLimit": "500m"}
    assert shared["nvidia.com/gpu"] == {
        "name": "nvidia.com/gpu",
        "nominalQuota": "4",
        "borrowingLimit": "2",
        "lendingLimit": "0",
    }


def test_suspending_holds_and_drains() -> None:
    one = Workspace("vision", "one", "ws-vision--one", suspended=True)
    queue, local = tenant_objects(Tenant("vision", cpu=1, memory=1, workspaces=(one,)), facts())
    assert (queue["spec"]["stopPolicy"], local["spec"]["stopPolicy"]) == ("None", "HoldAndDrain")
    queue, local = tenant_objects(Tenant("vision", cpu=1, memory=1, suspended=True, workspaces=(one,)), facts())
    assert (queue["spec"]["stopPolicy"], local["spec"]["stopPolicy"]) == ("HoldAndDrain", "HoldAndDrain")


@pytest.mark.parametrize("kind", ["batch/job", "trainer.kubeflow.org/trainjob", "kubeflow.org/tfjob"])
def test_every_job_of_a_workspace_is_managed(kind: str) -> None:
    made = configuration()
    assert kind in made["integrations"]["frameworks"]
    assert made["manageJobsWithoutQueueName"] is True
    assert made["managedJobsNamespaceSelector"] == {
        "matchExpressions": [{"key": "mlp.io/tenant", "operator": "Exists"}]
    }


def test_a_broken_queue_does_not_break_the_platform() -> None:
    assert COMPONENT.optional
