"""Endpoints that follow an alias start when their version is known. Pure.

The version is written on a predictor's pods, so pods that started before it was known would be replaced at once, and
need room for both.
"""

from __future__ import annotations

from components.admission import Completion, add, together, where
from components.serving.names import (
    ANNOTATION_HELD,
    ANNOTATION_STOP,
    ANNOTATION_VERSION,
    API_GROUP,
    INFERENCE_SERVICES,
    NAME,
)

_ALIAS = "^models:/+[^/:@]+@[A-Za-z0-9_-]+$"
_PREDICTOR = "object.spec.predictor"
_NOTES = "object.metadata.annotations"


def held() -> Completion:
    """What an author stopped, or gave a version, stays as it is."""
    uri = f"{_PREDICTOR}.model.storageUri"
    follows = f"has({_PREDICTOR}.model) && has({uri}) && {uri}.matches('{_ALIAS}')"
    told = f"has({_PREDICTOR}.annotations) && '{ANNOTATION_VERSION}' in {_PREDICTOR}.annotations"
    stopped = f"has({_NOTES}) && '{ANNOTATION_STOP}' in {_NOTES}"
    marks = (ANNOTATION_STOP, ANNOTATION_HELD)
    whole = ", ".join(f"'{mark}': 'true'" for mark in marks)
    each = [add(f"'/metadata/annotations/' + jsonpatch.escapeKey('{mark}')", "'true'") for mark in marks]
    return Completion(
        component=NAME,
        name="mlp-inference-services-held",
        mutations=(
            together(
                (
                    where(f"has({_NOTES})", *each),
                    where(f"!has({_NOTES})", add("'/metadata/annotations'", f"{{{whole}}}")),
                )
            ),
        ),
        group=API_GROUP,
        version=INFERENCE_SERVICES.rpartition("/")[2],
        resource="inferenceservices",
        wanted=f"{follows} && !({told}) && !({stopped})",
    )
