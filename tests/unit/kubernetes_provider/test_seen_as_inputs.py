"""What the cluster has, in the shape of the inputs."""

from __future__ import annotations

from infra.providers.kubernetes.rules import seen_as_inputs, type_of


def test_empty_values_that_the_server_leaves_out_are_no_drift() -> None:
    inputs = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "mlp-batch", "labels": {}},
        "globalDefault": False,
        "value": 10,
    }
    live = {**inputs, "metadata": {"name": "mlp-batch", "uid": "1"}, "value": 20}
    del live["globalDefault"]
    assert seen_as_inputs(inputs, live) == {**inputs, "value": 20}


def test_a_child_resource_has_the_type_at_the_end_of_its_token() -> None:
    assert type_of("mlp:components:Component$kubernetes:core/v1:Namespace") == ("v1", "Namespace")


def test_entries_that_share_a_name_keep_their_places() -> None:
    mounts = [{"name": "tls", "mountPath": "/a"}, {"name": "tls", "mountPath": "/b"}, {"name": "c", "mountPath": "/c"}]
    inputs = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"volumeMounts": mounts}}
    assert seen_as_inputs(inputs, inputs) == inputs
    other = {**inputs, "spec": {"volumeMounts": [mounts[0], {**mounts[1], "mountPath": "/d"}, mounts[2]]}}
    assert seen_as_inputs(inputs, other) == other
