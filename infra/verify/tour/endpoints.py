"""The tour's steps with a model endpoint. Each returns its evidence."""

from __future__ import annotations

import json
import time

from infra.kubectl import until
from infra.verify.checks import Evidence, expect
from infra.verify.tour.serving import Traffic, answer_of, client, infer_path, inference_service, ready, tensor
from infra.verify.tour.stage import Tour

MODEL, ALIAS, ENDPOINT = "tour-served", "champion", "tour"
_START_SECONDS, _MOVE_SECONDS = 300, 240
_AFTER = 10.0
"""Seconds of traffic after the first answer of the new version: the old pods end in them."""


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
