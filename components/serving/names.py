"""Names by which others find model serving: KServe's API, our notes on its objects, addresses of endpoints. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from components.names import DOMAIN
from components.paths import PLAIN_REST, WORKSPACE

NAME = "serving"

API_GROUP = "serving.kserve.io"
INFERENCE_SERVICES = f"{API_GROUP}/v1beta1"
RUNTIMES = f"{API_GROUP}/v1alpha1"
PREDICT = "predict"
"""Subresource of inferenceservices that RBAC is asked about; no such object exists. Who may `create` it may call."""

ANNOTATION_SOURCE = f"{DOMAIN}/model-source"
"""On a predictor's pods: the address `models:/<name>@<alias>` that the other two were told for."""
ANNOTATION_VERSION = f"{DOMAIN}/model-version"
ANNOTATION_RUN = f"{DOMAIN}/model-run"
"""On a predictor's pods: the MLflow run that made the version. Absent where none did."""
ANNOTATION_STATUS = f"{DOMAIN}/model-status"
"""On the InferenceService: what following its alias came to, as a sentence. It does not reach the pods."""
ANNOTATION_STOP = f"{API_GROUP}/stop"
"""KServe's own: `true` takes an endpoint's pods and Service away, and keeps the InferenceService."""

ANNOTATION_HELD = f"{DOMAIN}/waits-for-version"
"""`true` beside `ANNOTATION_STOP`: admission stopped it as it was made, until the version that its alias points to is
written on it, so that its first pods load that version and are not replaced seconds later."""

LABEL_CANARY_OF = f"{DOMAIN}/canary-of"
"""On an InferenceService: the endpoint whose calls it takes a share of, and under whose name its server answers."""
ANNOTATION_PERCENT = f"{DOMAIN}/canary-percent"
"""On such a canary: its share of those calls, a whole number from 0 to 100; absent is 0. It does not reach the pods."""

ANNOTATION_IDLE = f"{DOMAIN}/idle-minutes"
"""On an InferenceService: it sleeps after so many minutes without a call at the gateway; absent: never. A canary does
not. It does not reach the pods."""
ANNOTATION_ASLEEP = f"{DOMAIN}/asleep"
"""`true` beside `ANNOTATION_STOP`: the platform stopped it, and the next call starts it again."""

PORT = 8080
"""Container port of every model server, as KServe's own have it: network policies open this number to the gateway."""
PORT_NAME = "http"

PATH = "/serving"
WAKING = "waking"
"""Why the control plane lets a call not through to an endpoint that sleeps: it is being started."""
SERVED_BY = "X-Served-By"
"""Header of every answer of an endpoint: its name, as calls of one address may go to its canaries too."""

_ENDPOINT = "[a-z](?:[-a-z0-9]{0,51}[a-z0-9])?"
PLAIN_PREFIX = f"{PATH}/{WORKSPACE}/{_ENDPOINT}"
_ADDRESS = re.compile(
    rf"{PATH}/(?P<namespace>{WORKSPACE})/(?P<name>{_ENDPOINT})(?P<rest>{PLAIN_REST})(?:\?[^#]*)?", re.ASCII
)


@dataclass(frozen=True)
class EndpointAddress:
    """One InferenceService as a path of the gateway names it."""

    namespace: str
    name: str

    @property
    def service(self) -> str:
        """`service.namespace` of its predictor, without the cluster's domain."""
        return f"{self.name}-predictor.{self.namespace}"


def endpoint_of(uri: str) -> EndpointAddress | None:
    """The endpoint of a path and query below `PATH`; None where it is not written plainly."""
    match = _ADDRESS.fullmatch(uri)
    return EndpointAddress(match["namespace"], match["name"]) if match else None
