"""A tenant's ClusterQueue and the LocalQueue of each of its workspaces. Pure."""

from __future__ import annotations

from typing import Any

from components.contract import KubernetesObject, Tenant
from components.facts import PlatformFacts, Queueing
from components.names import LABEL_TENANT
from components.quantities import format_bytes, format_cpu
from components.queueing.names import API_VERSION, COHORT, FLAVOR, LOCAL_QUEUE, cluster_queue


def tenant_objects(tenant: Tenant, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """Suspended queues hold what waits and drain what runs."""
    sharing = facts.queueing or Queueing(borrowing=0, lending=100)
    return (
        {
            "apiVersion": API_VERSION,
            "kind": "ClusterQueue",
            "metadata": {"name": cluster_queue(tenant.slug)},
            "spec": {
                "cohortName": COHORT,
                "namespaceSelector": {"matchLabels": {LABEL_TENANT: tenant.slug}},
                "queueingStrategy": "BestEffortFIFO",
                "preemption": {"reclaimWithinCohort": "Any", "withinClusterQueue": "LowerPriority"},
                "resourceGroups": [_resources(tenant, sharing)],
                "stopPolicy": _stop(suspended=tenant.suspended),
            },
        },
        *(
            {
                "apiVersion": API_VERSION,
                "kind": "LocalQueue",
                "metadata": {"name": LOCAL_QUEUE, "namespace": workspace.namespace},
                "spec": {
                    "clusterQueue": cluster_queue(tenant.slug),
                    "stopPolicy": _stop(suspended=workspace.suspended),
                },
            }
            for workspace in tenant.workspaces
        ),
    )


def _stop(*, suspended: bool) -> str:
    return "HoldAndDrain" if suspended else "None"


def _resources(tenant: Tenant, sharing: Queueing) -> dict[str, Any]:
    amounts = {"cpu": (tenant.cpu, format_cpu), "memory": (tenant.memory, format_bytes)}
    amounts |= {name: (count, str) for name, count in sorted(tenant.gpus.items())}
    quotas = [
        {
            "name": name,
            "nominalQuota": text(amount),
            # Written out also where they are zero: Kueue takes a missing limit for none.
            "borrowingLimit": text(amount * sharing.borrowing // 100),
            "lendingLimit": text(amount * sharing.lending // 100),
        }
        for name, (amount, text) in amounts.items()
    ]
    return {"coveredResources": list(amounts), "flavors": [{"name": FLAVOR, "resources": quotas}]}
