"""Whether a platform object is still as it was applied, told from the object alone. Pure.

Its annotation holds the hash of what was applied; its managedFields tell which fields are still ours. Whatever changes
a field of ours takes it out of our field set, also when it changes the annotation along with it. So nothing has to be
remembered of an object but, to name what went missing, which fields were ours.
"""

from __future__ import annotations

from collections.abc import Collection

from components.contract import KubernetesObject
from components.names import ANNOTATION_SPEC_HASH, LABEL_GENERATION
from controlplane.reconcile.changes import UNWANTED
from controlplane.reconcile.compare import WHOLE_KINDS, content_hash
from controlplane.reconcile.ownership import foreign_paths, owned_part, owned_paths

_HASH_PATH = f"metadata.annotations.{ANNOTATION_SPEC_HASH}"


def drifted_fields(obj: KubernetesObject, known: Collection[str] = ()) -> tuple[str, ...]:
    """Dotted paths that are not as applied, in order; empty: all is well. `known`: the paths that were ours before.

    `(not wanted)`: the object carries our labels and none of its fields is ours.
    """
    ours = owned_paths(obj)
    if _HASH_PATH not in ours and not any(path in ours for path in known):
        return (UNWANTED,)
    added = set()
    if obj["kind"] in WHOLE_KINDS or obj["kind"] == "Secret":
        added = {path for path in foreign_paths(obj) if not path.startswith(("metadata.", "status."))}
    missing = set(known) - ours
    if obj["kind"] == "Secret":
        # Only its metadata is read. Being immutable, its data cannot change, and its fields are told by their names.
        intact = _HASH_PATH in ours and any(path.startswith("data.") for path in ours)
    else:
        applied = (obj["metadata"].get("annotations") or {}).get(ANNOTATION_SPEC_HASH)
        intact = _HASH_PATH in ours and applied == content_hash(owned_part(obj))
    if intact and not added:
        return ()
    return tuple(sorted(added | missing)) or ("(unknown)",)


def generation(obj: KubernetesObject) -> int:
    """The generation of the workspace that the object was applied for; 0 where it does not say."""
    text = str((obj["metadata"].get("labels") or {}).get(LABEL_GENERATION) or "")
    return int(text) if text.isdecimal() else 0
