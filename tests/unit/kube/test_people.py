"""Calls in a person's name: whose they are, and what happens where they were made before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from controlplane.contents.cluster import Cluster
from controlplane.errors import Conflict, Refused, Temporary, Unavailable
from controlplane.kube.client import Kube
from controlplane.kube.people import PeopleKube, Person
from controlplane.kube.resources import Resource
from controlplane.kube.transport import Patience

Answers = Callable[[httpx2.Request], httpx2.Response]
IMPATIENT = Patience(timeout=1, total=2, attempts=4, longest_pause=0.05)
MO = Person("mo", "tenant:acme:member")
WORKFLOW: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
    "metadata": {"name": "w", "namespace": "n", "annotations": {"mark": "1"}},
}  # fmt: skip
WORKFLOWS = Resource("argoproj.io/v1alpha1", "Workflow", "workflows")


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://kube.invalid"}}],
        "users": [{"name": "u", "user": {"token": "the-control-planes-own"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


class Server:
    """Keeps what is created; every answer to a POST is lost on its way `lost` times."""

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost
        self.held: dict[str, Any] = {}
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if request.method == "GET":
            return httpx2.Response(200, json=self.held)
        if self.held:
            return httpx2.Response(409, json={"reason": "AlreadyExists", "message": "there is one"})
        self.held = WORKFLOW
        if self.lost:
            self.lost -= 1
            raise httpx2.ReadTimeout("no answer")
        return httpx2.Response(201, json=WORKFLOW)


def cluster(kubeconfig: Path, answers: Answers, token: Callable[[], str] = lambda: "t0ken") -> Cluster:
    transport = httpx2.MockTransport(answers)
    people = PeopleKube(Kube.nobody(kubeconfig, patience=IMPATIENT, transport=transport), token)
    return Cluster(Kube.connect(kubeconfig, patience=IMPATIENT, transport=transport), people=people)


def test_the_call_is_the_persons_in_one_group(kubeconfig: Path) -> None:
    server = Server()
    assert cluster(kubeconfig, server).create_as(MO, WORKFLOWS, WORKFLOW, ("mark", "1")) == WORKFLOW
    (request,) = server.requests
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["impersonate-user"] == "mlp:person"
    assert request.headers.get_list("impersonate-group") == ["tenant:acme:member"]
    assert request.headers["impersonate-extra-mlp.io%2Faccount"] == "mo"


def test_without_a_token_or_a_person_nothing_is_sent(kubeconfig: Path) -> None:
    server = Server()

    def none() -> str:
        raise Temporary("no token")

    with pytest.raises(Unavailable):
        cluster(kubeconfig, server, none).create_as(MO, WORKFLOWS, WORKFLOW, ("mark", "1"))
    for nobody in (Person("", "tenant:acme:member"), Person("mo", "")):
        with pytest.raises(ValueError, match="nobody"):
            cluster(kubeconfig, server).create_as(nobody, WORKFLOWS, WORKFLOW, ("mark", "1"))
    with pytest.raises(Unavailable):
        Cluster(Kube.connect(kubeconfig)).create_as(MO, WORKFLOWS, WORKFLOW, ("mark", "1"))
    assert server.requests == []


def test_the_client_has_no_credentials_of_its_own(kubeconfig: Path) -> None:
    server = Server()
    Kube.nobody(kubeconfig, transport=httpx2.MockTransport(server)).create(WORKFLOW, resource=WORKFLOWS)
    assert "authorization" not in server.requests[0].headers


def test_a_call_whose_answer_was_lost_makes_one_object(kubeconfig: Path) -> None:
    server = Server(lost=1)
    assert cluster(kubeconfig, server).create_as(MO, WORKFLOWS, WORKFLOW, ("mark", "1")) == WORKFLOW
    assert [request.method for request in server.requests] == ["POST", "POST", "GET"]


def test_anothers_object_of_the_same_name_is_a_conflict(kubeconfig: Path) -> None:
    server = Server()
    server.held = WORKFLOW
    with pytest.raises(Conflict):
        cluster(kubeconfig, server).create_as(MO, WORKFLOWS, WORKFLOW, ("mark", "2"))


def test_refusals_are_told_in_the_servers_words(kubeconfig: Path) -> None:
    def no(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(403, json={"reason": "Forbidden", "message": "exceeded quota"})

    with pytest.raises(Refused, match="exceeded quota"):
        cluster(kubeconfig, no).create_as(MO, WORKFLOWS, WORKFLOW, ("mark", "1"))
