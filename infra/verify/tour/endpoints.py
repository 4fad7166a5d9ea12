"""The tour's steps with a model endpoint. Each returns its evidence."""

from __future__ import annotations

import json
import time

from components.serving.names import (
    ANNOTATION_ASLEEP,
    ANNOTATION_IDLE,
    ANNOTATION_PERCENT,
    INFERENCE_SERVICES,
    LABEL_CANARY_OF,
)
from infra.kubectl import short, until
from infra.verify.checks import Evidence, expect
from infra.verify.tour.serving import Traffic, answer_of, client, infer_path, inference_service, ready, tensor
from infra.verify.tour.stage import Tour

MODEL, ALIAS, ENDPOINT, CANARY = "tour-served", "champion", "tour", "tour-canary"
_PERCENT = 50
_START_SECONDS, _MOVE_SECONDS = 300, 240
_AFTER = 10.0
"""Seconds of traffic after the first answer of the new version: the old pods end in them."""
_SLEEP_SECONDS, _WAKE_SECONDS = 240, 180
"""A minute without calls, the slack of the clocks, and the pods' ending; a start on a busy machine."""
_RESOURCE = f"inferenceservices.{INFERENCE_SERVICES.partition('/')[0]}"


def endpoint_serves(tour: Tour) -> Evidence:
    made = tour.run(tour.a, "register-versions", "register_versions", {"MODEL": MODEL, "ALIAS": ALIAS})
    began = time.monotonic()
    what = tour.submit(inference_service(tour.a.namespace, ENDPOINT, f"models:/{MODEL}@{ALIAS}"))
    version = tour.ended(what, _START_SECONDS, lambda obj: _serving(obj, made["versions"][0]))
    seconds = time.monotonic() - began
    with client(tour.person_api.access) as http:
        answer = http.post(infer_path(tour.a.namespace, ENDPOINT), json=tensor([[0.0]]))
    expect(answer.status_code == 200, f"the endpoint answers {answer.status_code}: {answer.text[:300]}")
    expect(answer_of(answer.json()) == [1.0], f"version 1 answers {answer.text[:300]}")
    tour.seen["served"] = made
    return f"models:/{MODEL}@{ALIAS} serves version {version} after {seconds:.0f} s; it answers {answer.text[:160]}"


def _serving(obj: dict[str, object], version: str) -> str | None:
    return version if ready(obj) == version else None


def alias_moves(tour: Tour) -> Evidence:
    """Version 2 answers differently, so that the answers say who gave them."""
    path = infer_path(tour.a.namespace, ENDPOINT)
    with Traffic(tour.person_api.access, path, tensor([[0.0]])) as traffic:
        until("answers of version 1", 60, lambda: traffic.answered("1") or None)
        began = time.monotonic()
        newer = tour.seen["served"]["versions"][1]
        tour.mlflow_post(
            "/api/2.0/mlflow/registered-models/alias", {"name": MODEL, "alias": ALIAS, "version": newer}
        )  # fmt: skip
        until("answers of version 2", _MOVE_SECONDS, lambda: traffic.answered("2") or None)
        moved = time.monotonic() - began
        time.sleep(_AFTER)
        older = traffic.answered("1")
        time.sleep(_AFTER)
        expect(traffic.answered("1") == older, "version 1 still answers")
    expect(traffic.seen.failed == 0, f"moving the alias failed calls: {traffic.seen}")
    return (
        f"{traffic.seen}; version 2 answered {moved:.0f} s after the alias moved, slowest {traffic.seen.slowest:.2f} s"
    )


def canary_shares(tour: Tour) -> Evidence:
    """Version 1 again, beside version 2, at the same address."""
    canary = inference_service(tour.a.namespace, CANARY, f"models:/{MODEL}/{tour.seen['served']['versions'][0]}")
    canary["metadata"]["labels"] = {LABEL_CANARY_OF: ENDPOINT}
    canary["metadata"]["annotations"] = {ANNOTATION_PERCENT: str(_PERCENT)}
    what = tour.submit(canary)
    tour.ended(what, _START_SECONDS, ready)
    with Traffic(tour.person_api.access, infer_path(tour.a.namespace, ENDPOINT), tensor([[0.0]])) as traffic:
        until("an answer of the canary", 60, lambda: traffic.answered("1") or None)
        before = traffic.answered("1"), traffic.answered("2")
        time.sleep(_AFTER)
        canaries, others = traffic.answered("1") - before[0], traffic.answered("2") - before[1]
        _annotate(tour, CANARY, ANNOTATION_PERCENT, "0")
        time.sleep(_AFTER)
        tour.me.run("delete", what, f"--namespace={tour.a.namespace}", "--wait=false")
        time.sleep(_AFTER / 2)
    expect(traffic.seen.failed == 0, f"the canary failed calls: {traffic.seen}")
    percent = round(100 * canaries / max(1, canaries + others))
    expect(abs(percent - _PERCENT) <= 15, f"the canary got {percent} % of {canaries + others} calls, not {_PERCENT} %")
    return (
        f"at {_PERCENT} % it answered {canaries} of {canaries + others} calls; none failed, also as it was taken away"
    )


def endpoint_sleeps(tour: Tour) -> Evidence:
    what = f"{_RESOURCE}/{ENDPOINT}"
    _annotate(tour, ENDPOINT, ANNOTATION_IDLE, "1")
    began = time.monotonic()
    tour.ended(what, _SLEEP_SECONDS, lambda obj: obj["metadata"]["annotations"].get(ANNOTATION_ASLEEP))
    until("its pods are gone", 90, lambda: None if _pods(tour) else True, every=1.0)
    slept = time.monotonic() - began
    path, began = infer_path(tour.a.namespace, ENDPOINT), time.monotonic()
    with client(tour.person_api.access) as http:
        first = http.post(path, json=tensor([[0.0]]))
        expect(first.status_code == 503 and "being started" in first.text, f"it answers {short(first.text)}")
        answer = until(
            "it answers again", _WAKE_SECONDS,
            lambda: got if (got := http.post(path, json=tensor([[0.0]]))).status_code == 200 else None, every=0.5,
        )  # fmt: skip
    woke = time.monotonic() - began
    _annotate(tour, ENDPOINT, ANNOTATION_IDLE, None)
    return f"no pod after {slept:.0f} s; the first call was told to wait, {woke:.0f} s later it had {answer.text[:120]}"


def _pods(tour: Tour) -> str:
    selector = f"serving.kserve.io/inferenceservice={ENDPOINT}"
    return tour.me.run("get", "pods", f"--namespace={tour.a.namespace}", f"--selector={selector}", "-o", "name").strip()


def _annotate(tour: Tour, name: str, key: str, value: str | None) -> None:
    change = f"{key}-" if value is None else f"{key}={value}"
    tour.me.run("annotate", f"{_RESOURCE}/{name}", f"--namespace={tour.a.namespace}", "--overwrite", change)


def endpoint_closed(tour: Tour) -> Evidence:
    """As the workload of B, at an endpoint of A and at one that is not there."""
    with client(tour.access(tour.b)) as http:
        answers = [
            http.post(infer_path(tour.a.namespace, name), json=tensor([[0.0]])) for name in (ENDPOINT, "missing")
        ]  # fmt: skip
    said = {(each.status_code, _without_id(each.text)) for each in answers}
    expect({status for status, _ in said} == {403}, f"B is answered {said}")
    expect(len(said) == 1, f"B can tell an endpoint from none: {said}")
    return f"B is answered 403 at the endpoint and at one that is not there, in the same words: {said.pop()[1]}"


def _without_id(text: str) -> str:
    document = json.loads(text)
    document.pop("request_id", None)
    return json.dumps(document)
