"""Model endpoints as the tour uses them: an InferenceService, calls through the gateway, and traffic that counts."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import httpx

from components.contract import KubernetesObject
from components.serving.names import ANNOTATION_VERSION, INFERENCE_SERVICES, PATH
from infra.api.client import Access

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
_KEPT = 20
"""Failures whose words are kept; all are counted."""


def inference_service(namespace: str, name: str, uri: str, *, model_format: str = "mlflow") -> KubernetesObject:
    """An endpoint as KServe's documentation writes it, small enough for a workspace of any size. `uri`: such as
    `models:/iris@champion`."""
    model = {
        "modelFormat": {"name": model_format},
        "storageUri": uri,
        "resources": {"requests": {"cpu": "100m", "memory": "384Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
    }
    return {
        "apiVersion": INFERENCE_SERVICES,
        "kind": "InferenceService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"predictor": {"model": model}},
    }


def ready(obj: Mapping[str, Any]) -> str | None:
    """The version that an endpoint serves, once it is ready; None until then. `latest` where it follows no alias."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    if not any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
        return None
    notes = obj["spec"]["predictor"].get("annotations") or {}
    return str(notes.get(ANNOTATION_VERSION, "latest"))


def infer_path(namespace: str, name: str) -> str:
    """Path at the gateway of the Open Inference Protocol's call."""
    return f"{PATH}/{namespace}/{name}/v2/models/{name}/infer"


def tensor(rows: Sequence[Sequence[float]]) -> dict[str, Any]:
    """A request of that protocol with one tensor of numbers."""
    flat = [float(value) for row in rows for value in row]
    return {"inputs": [{"name": "x", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": flat}]}


def answer_of(document: Mapping[str, Any]) -> list[float]:
    """The numbers of an answer's first tensor."""
    return [float(value) for value in document["outputs"][0]["data"]]


def client(access: Access) -> httpx.Client:
    """HTTP to the gateway as somebody; each of its calls is one attempt."""
    context = ssl.create_default_context()
    if access.ca:
        context.load_verify_locations(cadata=access.ca)
    return httpx.Client(
        base_url=access.url.rstrip("/"), headers={"Authorization": f"Bearer {access.token}"}, verify=context,
        timeout=_TIMEOUT, trust_env=False,
    )  # fmt: skip


@dataclass
class Seen:
    """What traffic came to. `answers` counts answers by their numbers."""

    answers: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    """Seconds."""

    @property
    def requests(self) -> int:
        return self.answers.total() + self.failed

    def __str__(self) -> str:
        by_answer = ", ".join(f"{count} answered {answer}" for answer, count in sorted(self.answers.items()))
        words = f" ({'; '.join(sorted(set(self.failures)))})" if self.failures else ""
        return f"{self.requests} requests: {by_answer or 'none answered'}, {self.failed} failed{words}"


class Traffic:
    """Calls an endpoint from several threads for as long as the block lasts, without repeating anything.

    with Traffic(access, path, tensor([[0.0]])) as traffic: …
    traffic.seen.failed
    """

    def __init__(
        self, access: Access, path: str, body: Mapping[str, Any], *, callers: int = 4, pause: float = 0.05
    ) -> None:
        """`pause`: seconds between two calls of one caller."""
        self._access = access
        self._path = path
        self._body = json.dumps(body)
        self._pause = pause
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(callers)]
        self.seen = Seen()

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def answered(self, answer: str) -> int:
        """How many calls had this answer until now."""
        with self._lock:
            return self.seen.answers[answer]

    def _call(self) -> None:
        with client(self._access) as http:
            while not self._stop.wait(self._pause):
                began = time.monotonic()
                answer, failure = self._once(http)
                seconds = time.monotonic() - began
                with self._lock:
                    self.seen.slowest = max(self.seen.slowest, seconds)
                    if failure:
                        self.seen.failed += 1
                        self.seen.failures = [*self.seen.failures, failure][:_KEPT]
                    else:
                        self.seen.answers[answer] += 1

    def _once(self, http: httpx.Client) -> tuple[str, str]:
        """The answer and no failure, or the other way round."""
        try:
            answer = http.post(self._path, content=self._body, headers={"Content-Type": "application/json"})
        except httpx.HTTPError as error:
            return "", f"{type(error).__name__}: {error}"
        if answer.status_code != 200:
            return "", f"{answer.status_code}: {answer.text[:200]}"
        return " ".join(f"{value:g}" for value in answer_of(answer.json())), ""
