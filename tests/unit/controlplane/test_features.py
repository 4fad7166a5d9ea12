"""What a workspace's document says of its features."""

from __future__ import annotations

from components.facts import KubeflowPipelines
from components.kubeflow_pipelines.names import NAME
from components.kubeflow_pipelines.settings import GivenImages
from controlplane.workspaces.features import own_pipelines
from tests.servers.facts import PUBLIC_URL, facts

GIVEN = KubeflowPipelines(**dict.fromkeys(GivenImages.model_fields, "registry.test/some:1"), storage="5Gi")
STEP = "registry.test/kubeflow-step:1"


def test_a_workspace_says_where_its_own_pipelines_are() -> None:
    installed = facts().model_copy(update={"kubeflow_pipelines": GIVEN, "kubeflow_step_image": STEP})
    own = own_pipelines([NAME], "ws-vision--one", installed)
    assert own is not None
    assert (own.url, own.image) == (f"{PUBLIC_URL}/kfp/ws-vision--one", STEP)


def test_it_has_none_without_the_feature_or_the_component() -> None:
    installed = facts().model_copy(update={"kubeflow_pipelines": GIVEN, "kubeflow_step_image": STEP})
    assert own_pipelines([], "ws-vision--one", installed) is None
    assert own_pipelines([NAME], "ws-vision--one", facts()) is None
