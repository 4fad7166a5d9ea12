"""Karpenter itself, with our rights and pools, on a real API server and scheduler: nodes come, are replaced and go.

AWS is moto, which gives Karpenter's role the actions of its policy and no other. What joins the cluster for a machine
is a Node without a machine behind it.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto.ssm import ssm_backends
from moto.ssm.models import Parameter

from components.autoscaling import COMPONENT
from components.autoscaling.settings import AutoscalingSettings
from components.contract import KubernetesObject
from components.managed import ScaledPool, Scaling
from components.names import INSTALLER_FIELD_MANAGER
from infra.clusters.aws import permissions
from infra.clusters.aws.scope import Scope
from tests.servers.aws import ACCOUNT, ENVIRONMENT, REGION, Aws, aws
from tests.servers.binaries import find
from tests.servers.installs import managed_install
from tests.servers.kubelet import running
from tests.servers.kubernetes import KubernetesRequestFailed, KubernetesServer, kubernetes
from tests.servers.parent import die_with_parent
from tests.servers.ports import free_port

pytestmark = [pytest.mark.contract, pytest.mark.timeout(900)]

MACHINE, CPUS = "m7i.large", 2
PATIENCE = 240
_PODS = "/api/v1/namespaces/default/pods"
_APPLY = f"fieldManager={INSTALLER_FIELD_MANAGER}&force=true&fieldValidation=Strict"


def pool(name: str, *, most: int, spot: bool = False) -> ScaledPool:
    return ScaledPool(
        name=name,
        purpose="cpu",
        machine=MACHINE,
        cpus=CPUS,
        most=most,
        spot=spot,
        disk_gib=50,
        labels={"mlp.io/pool": name},
        taints={"mlp.io/spot": "true"} if spot else {},
    )


class World:
    """The cluster and the account."""

    def __init__(self, server: KubernetesServer, account: Aws, scaling: Scaling) -> None:
        self.server, self.aws, self.scaling = server, account, scaling

    def get(self, path: str) -> Any:
        """The answer; empty where the kind is not served yet."""
        try:
            return self.server.request("GET", path)
        except KubernetesRequestFailed as error:
            if error.status not in (404, 429):
                raise
            return {"items": []}

    def claims(self, pool_name: str) -> list[dict[str, Any]]:
        found = self.get(f"/apis/karpenter.sh/v1/nodeclaims?labelSelector=karpenter.sh/nodepool={pool_name}")
        return list(found["items"])

    def machines(self, pool_name: str) -> list[dict[str, Any]]:
        """Those that run."""
        filters = [
            {"Name": "tag:karpenter.sh/nodepool", "Values": [pool_name]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]},
        ]
        found = self.aws.client("ec2").describe_instances(Filters=filters)["Reservations"]
        return [machine for reservation in found for machine in reservation["Instances"]]

    def scheduled(self, pool_name: str) -> list[str]:
        """Nodes that pods of the pool are on."""
        pods = self.get(f"{_PODS}?labelSelector=pool={pool_name}")["items"]
        return sorted(pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName"))

    def run(self, pool_name: str, replicas: int) -> None:
        """Pods of the pool, each of which fills a node."""
        template = {
            "metadata": {"labels": {"pool": pool_name}},
            "spec": {
                "nodeSelector": {"mlp.io/pool": pool_name},
                "tolerations": [{"key": "mlp.io/spot", "operator": "Exists"}],
                "containers": [{"name": "c", "image": "x", "resources": {"requests": {"cpu": "1"}}}],
            },
        }
        spec = {"replicas": replicas, "selector": {"matchLabels": {"pool": pool_name}}, "template": template}
        body = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": pool_name}, "spec": spec}
        path = f"/apis/apps/v1/namespaces/default/replicasets/{pool_name}?{_APPLY}"
        self.server.request("PATCH", path, body, content_type="application/apply-patch+yaml")

    def announce(self, machine: str) -> None:
        """AWS says that it takes a machine back."""
        news = {
            "version": "0",
            "id": "1",
            "source": "aws.ec2",
            "detail-type": "EC2 Spot Instance Interruption Warning",
            "account": ACCOUNT,
            "region": REGION,
            "time": "2026-01-01T00:00:00Z",
            "resources": [],
            "detail": {"instance-id": machine, "instance-action": "terminate"},
        }
        sqs = self.aws.client("sqs")
        url = sqs.get_queue_url(QueueName=self.scaling.queue)["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(news))


def until(what: str, condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        said = log.read_text(errors="replace").splitlines()[-12:]
        assert time.monotonic() < deadline, "\n".join([f"{what}: not after {PATIENCE} s. Karpenter said:", *said])
        time.sleep(0.5)


class Machines:
    """What machines would do: join as nodes, run pods, end those that are deleted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        joined: set[str] = set()
        while not self._stop.wait(0.5):
            with suppress(OSError):  # a server that does not answer in time is asked again
                self._round(joined)

    def _round(self, joined: set[str]) -> None:
        for claim in self._world.get("/apis/karpenter.sh/v1/nodeclaims")["items"]:
            provider = claim.get("status", {}).get("providerID", "")
            if provider and provider not in joined:
                self._join(claim, provider)
                joined.add(provider)
        for pod in self._world.get(_PODS)["items"]:
            self._report(pod)

    def _join(self, claim: dict[str, Any], provider: str) -> None:
        name = provider.rpartition("/")[2]
        taint = {"key": "karpenter.sh/unregistered", "effect": "NoExecute"}
        labels = {**claim["metadata"]["labels"], "kubernetes.io/hostname": name}
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": labels},
            "spec": {"providerID": provider, "taints": [taint, *claim["spec"].get("taints", [])]},
        }
        try:
            self._world.server.request("POST", "/api/v1/nodes", node)
        except KubernetesRequestFailed as error:
            if error.status != 409:  # made by a round that ended early
                raise
        size = {"cpu": str(CPUS), "memory": "8Gi", "pods": "29", "ephemeral-storage": "50Gi"}
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready"}
        status = {"capacity": size, "allocatable": {**size, "cpu": "1930m"}, "conditions": [ready]}
        self._patch(f"/api/v1/nodes/{name}/status", {"status": status})
        # The API server's own taint, which the node lifecycle controller takes off a node that is ready.
        there = self._world.server.request("GET", f"/api/v1/nodes/{name}")["spec"]["taints"]
        kept = [each for each in there if each["key"] != "node.kubernetes.io/not-ready"]
        self._patch(f"/api/v1/nodes/{name}", {"spec": {"taints": kept}})

    def _report(self, pod: dict[str, Any]) -> None:
        path = f"{_PODS}/{pod['metadata']['name']}"
        try:
            if pod["metadata"].get("deletionTimestamp"):
                self._world.server.request("DELETE", path, {"gracePeriodSeconds": 0})
            elif pod["spec"].get("nodeName") and pod["status"]["phase"] == "Pending":
                self._patch(f"{path}/status", {"status": running(pod)})
        except KubernetesRequestFailed as error:
            if error.status not in (404, 409):
                raise

    def _patch(self, path: str, body: dict[str, Any]) -> None:
        self._world.server.request("PATCH", path, body, content_type="application/merge-patch+json")


def account(world: Aws) -> Scaling:
    """The parts of an account that a cluster's program would have made."""
    ec2 = world.client("ec2")
    image = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"][
        0
    ]
    # AWS's own parameters can't be put by its customers.
    name = "/aws/service/bottlerocket/aws-k8s-1.36/x86_64/latest/image_id"
    made = Parameter(ACCOUNT, name, image["ImageId"], "String", None, None, None, time.time(), 1, "text")
    ssm_backends[ACCOUNT][REGION]._parameters[name].append(made)
    world.client("sqs").create_queue(QueueName="mlp-test-node-events")
    return Scaling(
        cluster="mlp-test",
        endpoint="https://api.example.internal",
        instance_profile="mlp-test-scaled-node",
        queue="mlp-test-node-events",
        subnets=tuple(subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]),
        security_group=ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
        tags={"mlp:installation": "test", "managed-by": "mlp"},
        pools=(pool("cpu", most=2), pool("spot", most=3, spot=True)),
    )


def rights() -> frozenset[str]:
    """Every action that the program gives Karpenter's role."""
    scope = Scope("test", ACCOUNT, REGION, (), True)
    statements = permissions.scaling(scope, "arn:aws:iam::1:role/n", "arn:aws:sqs:::q", spot=True)
    return frozenset(action for statement in statements for action in statement["Action"])


def apply(server: KubernetesServer, obj: KubernetesObject) -> None:
    group = f"/apis/{obj['apiVersion']}" if "/" in obj["apiVersion"] else f"/api/{obj['apiVersion']}"
    kinds = server.request("GET", group)["resources"]
    plural = next(each["name"] for each in kinds if each["kind"] == obj["kind"] and "/" not in each["name"])
    namespace = obj["metadata"].get("namespace")
    path = f"{group}{f'/namespaces/{namespace}' if namespace else ''}/{plural}/{obj['metadata']['name']}?{_APPLY}"
    server.request("PATCH", path, obj, content_type="application/apply-patch+yaml")


@contextmanager
def process(command: list[str], log: Path, env: dict[str, str]) -> Iterator[None]:
    with log.open("wb") as out:
        started = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=env,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls what was loaded before
        )
    try:
        yield
    finally:
        started.kill()
        started.wait()


def test_nodes_come_for_pods_up_to_the_limit_are_replaced_and_go_when_they_are_empty(tmp_path: Path) -> None:
    log = tmp_path / "karpenter.log"
    with aws() as cloud, kubernetes() as server:
        scaling = account(cloud)
        cloud.permitted = rights()
        world = World(server, cloud, scaling)
        environment = _install(world)
        kubeconfig = tmp_path / "kubeconfig"
        token = server.service_account_token("mlp-autoscaling", "autoscaling")
        kubeconfig.write_text(yaml.safe_dump(server.kubeconfig_with_token(token)))
        ports = {"HEALTH_PROBE_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
        here = {"AWS_ENDPOINT_URL": cloud.url, "KUBECONFIG": str(kubeconfig), "PATH": os.environ["PATH"]}
        scheduler = [
            str(find("kube-scheduler")),
            f"--kubeconfig={server.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
        ]
        with (
            process(scheduler, tmp_path / "scheduler.log", dict(os.environ)),
            process([str(find("karpenter"))], log, {**environment, **ENVIRONMENT, **ports, **here}),
            Machines(world),
        ):
            world.run("cpu", 6)
            world.run("spot", 1)
            until("two nodes run pods", lambda: len(world.scheduled("cpu")) == 2, log)
            until("a spot node runs a pod", lambda: len(world.scheduled("spot")) == 1, log)
            _look_at(world)

            (before,) = world.machines("spot")
            world.announce(before["InstanceId"])
            until(
                "another spot machine has taken over",
                lambda: (
                    [each["InstanceId"] for each in world.machines("spot")] != [before["InstanceId"]]
                    and len(world.machines("spot")) == 1
                    and world.scheduled("spot") == [world.machines("spot")[0]["InstanceId"]]
                ),
                log,
            )
            assert len(world.claims("cpu")) == 2, "four pods still wait, and the pool may not grow further"

            world.run("cpu", 0)
            until("idle machines are gone", lambda: not world.machines("cpu") and not world.claims("cpu"), log)
            assert len(world.machines("spot")) == 1, "this one has work"
        assert cloud.refused == set(), "its policy lacks what it asks for"
        assert "forbidden" not in log.read_text(), "its roles in the cluster lack what it asks for"


def _install(world: World) -> dict[str, str]:
    """Applies the component's objects as its service account needs them; gives the environment of its pods."""
    given, _ = managed_install("aws")
    assert given.managed is not None
    given = replace(given, managed=given.managed.model_copy(update={"scaling": world.scaling}))
    objects = COMPONENT.objects(AutoscalingSettings(idle_minutes=1), given)
    own = ("EC2NodeClass", "NodePool")
    for obj in objects:
        if obj["kind"] not in own:
            apply(world.server, obj)
    for kind in ("/apis/karpenter.sh/v1/nodepools", "/apis/karpenter.k8s.aws/v1/ec2nodeclasses"):
        deadline = time.monotonic() + 30
        while "kind" not in world.get(kind):
            assert time.monotonic() < deadline, f"{kind} is not served"
            time.sleep(0.2)
    for obj in objects:
        if obj["kind"] in own:
            apply(world.server, obj)
    (deployment,) = [obj for obj in objects if obj["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def _look_at(world: World) -> None:
    """Machines are what the pool says, and bear the tags that the policy's conditions ask for."""
    (spot,) = world.machines("spot")
    assert spot["InstanceLifecycle"] == "spot"
    for name in ("cpu", "spot"):
        for machine in world.machines(name):
            tags = {tag["Key"]: tag["Value"] for tag in machine["Tags"]}
            assert machine["InstanceType"] == MACHINE
            assert machine["SubnetId"] in world.scaling.subnets
            assert (
                tags.items()
                >= {
                    "mlp:installation": "test",
                    "kubernetes.io/cluster/mlp-test": "owned",
                    "karpenter.sh/nodepool": name,
                    "Name": f"mlp-test-{name}",
                }.items()
            )
    ec2 = world.aws.client("ec2")
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        tags = {tag["Key"]: tag["Value"] for tag in template["Tags"]}
        assert tags["mlp:installation"] == "test"
        versions = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])
        data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        assert data["IamInstanceProfile"] == {"Name": "mlp-test-scaled-node"}
        assert data["MetadataOptions"]["HttpTokens"] == "required"
        assert data["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
        assert [disk["Ebs"]["Encrypted"] for disk in data["BlockDeviceMappings"]] == [True, True]
        assert data["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is False
        assert "KeyName" not in data
