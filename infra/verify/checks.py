"""The lines of `platform verify`. Each returns its evidence, or raises AssertionError with what was seen instead."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from components.names import SYSTEM_NAMESPACE, Role
from infra.api.client import Refused
from infra.kubectl import KubectlFailed, short, until
from infra.verify.story import Story

Evidence = str


S = TypeVar("S", bound=Story)


@dataclass(frozen=True)
class Check(Generic[S]):
    """One promise, in words that a security officer can read."""

    name: str
    prove: Callable[[S], Evidence]


def workspaces(story: Story) -> Evidence:
    seconds = story.open()
    return f"{story.a.namespace} and {story.b.namespace} are ready; the slower took {seconds:.2f} s"


def run_logged(story: Story) -> Evidence:
    answer = story.run(story.a, "train", "log_run", {"VERIFY_PLACE": story.a.namespace})
    story.logged = answer
    expect(answer["artifact"] == f"made in {story.a.namespace}", f"the artifact read back is {answer['artifact']!r}")
    return (
        f"run {answer['run']} with an artifact at {answer['uri']} and model verify-model v{answer['version']}, "
        f"logged with the identity of service account {story.a.namespace}/workload"
    )


def run_visible(story: Story) -> Evidence:
    found = story.mlflow("/api/2.0/mlflow/runs/get", {"run_id": story.logged["run"]})
    model = story.mlflow("/api/2.0/mlflow/registered-models/get", {"name": "verify-model"})
    status = found["run"]["info"]["status"]
    expect(status == "FINISHED", f"the run's status is {status}")
    aliases = [alias["alias"] for alias in model["registered_model"].get("aliases", [])]
    expect(aliases == ["champion"], f"the model's aliases are {aliases}")
    return f"a member of A, signed in at the gateway: run {status}, model verify-model with alias champion"


def kubernetes_by_person(story: Story) -> Evidence:
    own = story.kubernetes(f"/api/v1/namespaces/{story.a.namespace}/pods")
    expect(own["kind"] == "PodList", f"pods of A's own namespace are a {own['kind']}")
    tricks: dict[str, dict[str, str]] = {
        "": {},
        " with headers of an administrator": {"Impersonate-User": "root", "Impersonate-Group": "system:masters"},
    }
    places = {
        "B's pods": f"/api/v1/namespaces/{story.b.namespace}/pods",
        "the platform's secrets": f"/api/v1/namespaces/{SYSTEM_NAMESPACE}/secrets",
        "nodes": "/api/v1/nodes",
    }
    seen = {}
    for what, path in places.items():
        for trick, headers in tricks.items():
            try:
                story.kubernetes(path, headers)
            except Refused as error:
                seen[f"{what}{trick}"] = error.status
            else:
                raise AssertionError(f"a member of A got {what}{trick}")
    expect(set(seen.values()) == {403}, f"refused in other ways: {seen}")
    return f"{len(own['items'])} pods of A; status 403 for {', '.join(seen)}"


def access_ends(story: Story) -> Evidence:
    story.leave()
    began = time.monotonic()

    def refused() -> str | None:
        try:
            story.mlflow("/api/2.0/mlflow/runs/get", {"run_id": story.logged["run"]})
        except Refused as error:
            return f"status {error.status} after {time.monotonic() - began:.1f} s"
        return None

    try:
        story.kubernetes(f"/api/v1/namespaces/{story.a.namespace}/pods")
    except Refused as error:
        at_once = error.status
    else:
        raise AssertionError("the Kubernetes API still answers who has left A")
    return f"Kubernetes API: status {at_once} at once; MLflow: " + until(
        "MLflow refuses the person who left A", 15, refused
    )


def hidden_tracking(story: Story) -> Evidence:
    env = {
        "SPY_RUN": story.logged["run"],
        "SPY_EXPERIMENT": story.logged["experiment"],
        "SPY_NAMESPACE": story.a.namespace,
        "SPY_TENANT": story.a.tenant,
    }
    seen = story.run(story.b, "spy", "spy_mlflow", env)
    # A search that finds nothing is an answer that tells nothing.
    leaks = {what: answer for what, answer in seen.items() if answer.startswith("GOT") and answer != "GOT []"}
    expect(not leaks, f"B saw: {json.dumps(leaks)}")
    return short("; ".join(f"{what}: {answer.partition(':')[0]}" for what, answer in seen.items()), 600)


def hidden_storage(story: Story) -> Evidence:
    others = [story.bucket(story.a), story.artifact_bucket]
    env = {"OWN_BUCKET": story.bucket(story.b), "OTHER_BUCKETS": ",".join(others)}
    seen: dict[str, Any] = story.run(story.b, "thief", "use_s3", env, storage=True)
    buckets = seen.pop("buckets")
    own = {what: answer for what, answer in seen.items() if what.endswith(" own")}
    expect(all(answer == "GOT 200" for answer in own.values()), f"B's own bucket: {own}")
    leaks = {what: answer for what, answer in seen.items() if what not in own and answer.startswith("GOT")}
    expect(not leaks, f"B got: {leaks}")
    expect(buckets == [story.bucket(story.b)], f"B lists the buckets {buckets}")
    refused = sorted({answer for what, answer in seen.items() if what not in own})
    return f"own bucket: read and write; {', '.join(others)}: {', '.join(refused)} for list, read, write, policy"


def network_closed(story: Story) -> Evidence:
    target = f"{story.server}:8080"
    node = story.node_address
    database = story.pod_address("database")
    tracking = story.pod_address("tracking")
    targets = {
        target: "A's pod",
        f"{node}:10250": "the kubelet",
        f"{node}:2379": "etcd",
        f"{database}:5432": "the database",
        f"{tracking}:{story.facts.tracking.port if story.facts.tracking else 0}": "MLflow past the gateway",
        "169.254.169.254:80": "cloud metadata",
    }
    # A new pod is let through once the node's firewall knows its address; that it is closed is true from the start,
    # so B's pod asks for as long as A's needed.
    began = time.monotonic()
    inside = story.run(story.a, "neighbour", "reach", {"TARGETS": target, "PATIENCE": "20"})
    patience = str(min(20.0, time.monotonic() - began))
    expect(inside[target] == "open", f"A's own pod can't reach it either ({inside[target]}), so this proves nothing")
    seen = story.run(story.b, "intruder", "reach", {"TARGETS": ",".join(targets), "PATIENCE": patience})
    reached = [targets[address] for address, answer in seen.items() if answer == "open"]
    expect(not reached, f"B's pod reached {', '.join(reached)}")
    return f"from A's own pod {target} is open; from B's: " + ", ".join(
        f"{targets[address]} {answer}" for address, answer in seen.items()
    )


def over_quota(story: Story) -> Evidence:
    def pod(name: str) -> dict[str, Any]:
        made = story.pod(story.a, name, ("sleep", "1"))
        made["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1100m"}, "limits": {"cpu": "1100m"}}
        return made

    story.kubectl.create(pod("first-half"), story.a.person())
    try:
        refusal = story.kubectl.refused(pod("second-half"), story.a.person(Role.ADMIN))
    finally:
        story.kubectl.run("delete", "pod", "first-half", f"--namespace={story.a.namespace}", "--wait=false")
    expect("exceeded quota" in refusal, f"refused for another reason: {refusal}")
    return refusal


def privileged(story: Story) -> Evidence:
    pod = story.pod(story.a, "root", ("sleep", "1"))
    pod["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    as_pod = story.kubectl.refused(pod, story.a.person(Role.ADMIN))
    as_template = story.kubectl.refused(deployment(pod), story.a.person(Role.ADMIN))
    return f"pod: {as_pod} — template: {as_template}"


def foreign_image(story: Story) -> Evidence:
    registry = story.facts.registry.rstrip("/")
    seen = []
    for image in ("docker.io/library/alpine:latest", "alpine", f"{registry}.evil.example/workspace:1"):
        pod = story.pod(story.a, "foreign", ("sleep", "1"))
        pod["spec"]["containers"][0]["image"] = image
        seen.append(f"{image}: {story.kubectl.refused(pod, story.a.person(Role.ADMIN))}")
    return " — ".join(seen)


def node_port(story: Story) -> Evidence:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "open", "namespace": story.a.namespace},
        "spec": {"type": "NodePort", "selector": {"app": "x"}, "ports": [{"port": 80}]},
    }
    return story.kubectl.refused(service, story.a.person(Role.ADMIN))


def policy_kept(story: Story) -> Evidence:
    place, name = story.a, "default-deny"
    try:
        story.kubectl.run(
            "delete", "networkpolicy", name, f"--namespace={place.namespace}", who=place.person(Role.ADMIN)
        )
    except KubectlFailed as refusal:
        refused = short(str(refusal), 160)
    else:
        raise AssertionError("the tenant's admin deleted the platform's NetworkPolicy")
    before = story.kubectl.get("networkpolicy", name, place.namespace)["spec"]
    opened: dict[str, Any] = {"spec": {"ingress": [{}], "egress": [{}]}}
    story.kubectl.run(
        "patch", "networkpolicy", name, f"--namespace={place.namespace}", "--type=merge", "-p", json.dumps(opened)
    )
    began = time.monotonic()

    def restored() -> float | None:
        same = story.kubectl.get("networkpolicy", name, place.namespace)["spec"] == before
        return time.monotonic() - began if same else None

    seconds = until("the edited NetworkPolicy is as before", 30, restored)
    return f"as tenant admin: {refused}; edited by a cluster administrator: as before after {seconds:.1f} s"


def cleaned(story: Story) -> Evidence:
    began = time.monotonic()
    story.close()
    namespaces = story.kubectl.run("get", "namespaces", "-o", "name")
    expect(story.token not in namespaces, f"still there: {namespaces}")
    return f"both tenants and their namespaces are gone after {time.monotonic() - began:.1f} s"


def deployment(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The pod as the template of a Deployment: pod security only warns about templates, policies must refuse."""
    metadata = {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
    match = {"app": metadata["name"]}
    spec = {**pod["spec"], "restartPolicy": "Always"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": match},
            "template": {"metadata": {"labels": match}, "spec": spec},
        },
    }


def expect(holds: bool, otherwise: str) -> None:
    """Raises AssertionError with what was seen instead; unlike `assert`, also with python -O."""
    if not holds:
        raise AssertionError(otherwise)


CHECKS: tuple[Check[Story], ...] = (
    Check("two tenants get a workspace each", workspaces),
    Check("a pod in A logs a run, an artifact and a registered model as A", run_logged),
    Check("the UI's API shows the run", run_visible),
    Check("a member of A reaches A's namespace at the Kubernetes API, and nothing else", kubernetes_by_person),
    Check("a person who leaves A sees nothing more", access_ends),
    Check("B cannot see it by API, name or header", hidden_tracking),
    Check("B cannot reach A's files in S3", hidden_storage),
    Check("B's pod cannot reach A's pod, the kubelet, etcd, the database or metadata", network_closed),
    Check("a pod over quota is refused", over_quota),
    Check("a privileged pod is refused, in a template too", privileged),
    Check("a foreign image is refused", foreign_image),
    Check("a NodePort is refused", node_port),
    Check("an edited NetworkPolicy is refused or reverted", policy_kept),
    Check("tenants are deleted without a trace", cleaned),
)
