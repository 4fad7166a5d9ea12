"""Which volumes workspaces may claim."""

from __future__ import annotations

from components.isolation.policies.model import ADMIN, CONTROLLER, PLATFORM, Match, Policy, Rule, quoted_list

_ANNOTATIONS = ("volume.beta.kubernetes.io/storage-class", "volume.kubernetes.io/selected-node")
"""The first is an old spelling that still counts before the field; the second is the scheduler's own, set later."""


def policies(storage_classes: tuple[str, ...]) -> tuple[Policy, ...]:
    """Claims are bound to new volumes of an allowed class, never to a volume of the claimant's choice."""
    spec = "object.spec"
    created = "request.operation != 'CREATE'"
    annotations = "object.metadata.annotations"
    return (
        Policy(
            name="mlp-volume-claims",
            matches=(Match("", ("persistentvolumeclaims",)),),
            conditions=(
                ("not-the-platform", f"!({PLATFORM})"),
                # StatefulSets' claims are made by a controller from what a member wrote.
                ("written-by-members", f"request.operation == 'CREATE' || !({CONTROLLER})"),
            ),
            rules=(
                Rule(
                    "volumes",
                    f"{created} || ((!has({spec}.volumeName) || {spec}.volumeName == '') && !has({spec}.selector))",
                    "choosing a volume by name or selector is refused: it may hold data of others",
                ),
                Rule(
                    "volumes",
                    f"(!has({spec}.dataSourceRef) || !has({spec}.dataSourceRef.namespace)"
                    f" || {spec}.dataSourceRef.namespace == request.namespace)",
                    "a data source in another namespace is refused",
                ),
                Rule(
                    "volumes",
                    f"!has({annotations}) || !{annotations}.exists(k, k in {quoted_list(_ANNOTATIONS)})",
                    "annotations that choose a storage class or a node for the volume are refused: "
                    "use spec.storageClassName",
                ),
                Rule(
                    "volumes",
                    f"{created} || !has({spec}.storageClassName)"
                    f" || {spec}.storageClassName in {quoted_list(storage_classes)}",
                    f"the storage class is refused: use {', '.join(storage_classes)}; {ADMIN}",
                ),
            ),
        ),
    )
