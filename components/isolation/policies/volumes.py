"""Which volumes workspaces may claim."""

from __future__ import annotations

from components.isolation.policies.model import ADMIN, CONTROLLER, PLATFORM, Match, Policy, Rule, quoted_list

_SPEC = "object.spec"
_NOTES = "object.metadata.annotations"
_OLD_NOTES = "oldObject.metadata.annotations"
_ANNOTATIONS = ("volume.beta.kubernetes.io/storage-class", "volume.kubernetes.io/selected-node")
"""The first is an old spelling that still counts before the field; the second is the scheduler's own, set later."""


def policies(storage_classes: tuple[str, ...]) -> tuple[Policy, ...]:
    """Claims are bound to new volumes of an allowed class, never to a volume of the claimant's choice.

    Updates count as well: Kubernetes lets the volume's name and the class of an unbound claim be set later.
    """
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
                    f"!has({_SPEC}.volumeName) || {_SPEC}.volumeName == '' || {_kept('volumeName')}",
                    "choosing a volume by its name is refused: it may hold data of others",
                ),
                Rule(
                    "volumes",
                    f"!has({_SPEC}.selector) || {_kept('selector')}",
                    "choosing a volume by labels is refused: it may hold data of others",
                ),
                Rule(
                    "volumes",
                    f"!has({_SPEC}.dataSourceRef) || !has({_SPEC}.dataSourceRef.namespace)"
                    f" || {_SPEC}.dataSourceRef.namespace == request.namespace",
                    "a data source in another namespace is refused",
                ),
                Rule(
                    "volumes",
                    f"!has({_SPEC}.storageClassName) || {_SPEC}.storageClassName in {quoted_list(storage_classes)}"
                    f" || {_kept('storageClassName')}",
                    f"the storage class is refused: use {', '.join(storage_classes)}; {ADMIN}",
                ),
                Rule(
                    "volumes",
                    f"!has({_NOTES}) || {_NOTES}.all(k, !(k in {quoted_list(_ANNOTATIONS)})"
                    f" || (request.operation == 'UPDATE' && has({_OLD_NOTES}) && k in {_OLD_NOTES}"
                    f" && {_OLD_NOTES}[k] == {_NOTES}[k]))",
                    "annotations that choose a storage class or a node for the volume are refused: "
                    "use spec.storageClassName",
                ),
            ),
        ),
    )


def _kept(name: str) -> str:
    """Whether a field is what it was before."""
    before = f"oldObject.spec.{name}"
    return f"(request.operation == 'UPDATE' && has({before}) && {before} == {_SPEC}.{name})"
