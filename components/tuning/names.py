"""Names and ports that others find tuning by."""

from __future__ import annotations

from components import kubernetes as k8s
from components.names import TUNING, component_namespace

NAME = TUNING
NAMESPACE = component_namespace(NAME)
MANAGER = "katib-db-manager"
"""Service and pods of the keeper of observations; Katib derives its address from this name."""
MANAGER_PORT = 6789
SUGGESTION_PORT = 6789
CONTROLLER_PODS = k8s.selector(NAME)
MANAGER_PODS = k8s.selector(NAME, MANAGER)
SUGGESTION_LABEL = "katib.kubeflow.org/deployment"
"""On pods that compute suggestions, which run in the workspace of their experiment."""
EXPERIMENT_LABEL = "katib.kubeflow.org/experiment"
TRIAL_LABEL = "katib.kubeflow.org/trial"
NAMESPACE_LABELS = {"katib.kubeflow.org/metrics-collector-injection": "enabled"}
"""On namespaces in which Katib takes experiments."""
