"""Every object of every component is accepted by a real API server, as it is and again, pod security included."""

from __future__ import annotations

import json
import uuid
from functools import cache, partial
from typing import Any

import pytest

from components.contract import Component, KubernetesObject
from components.for_cloud import CloudKind
from components.names import INSTALLER_FIELD_MANAGER
from components.volumes.objects import helper_pod
from infra.installation.home import cache_root
from infra.toolchain.upstream import UpstreamObjects
from tests.contract.reconcile.world import until
from tests.servers.installs import OWN, install, managed_install
from tests.servers.kubernetes import KubernetesRequestFailed, KubernetesServer

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("definitions")]

_FIRST = ("Namespace", "CustomResourceDefinition")


@cache
def _plural(server: KubernetesServer, group: str, kind: str) -> str:
    """Raises StopIteration, which is not remembered, where the kind is not served."""
    resources = server.request("GET", group)["resources"]
    return next(str(r["name"]) for r in resources if r["kind"] == kind and "/" not in r["name"])


def _path(server: KubernetesServer, obj: KubernetesObject) -> str:
    group = f"/apis/{obj['apiVersion']}" if "/" in obj["apiVersion"] else f"/api/{obj['apiVersion']}"
    plural = _plural(server, group, obj["kind"])
    namespace = obj["metadata"].get("namespace")
    home = f"/namespaces/{namespace}" if namespace else ""
    return f"{group}{home}/{plural}/{obj['metadata']['name']}"


def _apply(server: KubernetesServer, obj: KubernetesObject, *, dry: bool) -> Any:
    """Server-side apply, as the installer does it."""
    query = f"?fieldManager={INSTALLER_FIELD_MANAGER}&force=true&fieldValidation=Strict" + (
        "&dryRun=All" if dry else ""
    )
    return server.request("PATCH", _path(server, obj) + query, obj, content_type="application/apply-patch+yaml")


@pytest.fixture(scope="module")
def server(kubernetes_server: KubernetesServer) -> KubernetesServer:
    UpstreamObjects(cache_root()).ensure([each for component in OWN for each in component.upstream])
    rendered = [(component, component.settings(), install()) for component in OWN]
    for kind in ("aws", "gcp", "azure"):
        given, chosen = managed_install(kind)
        rendered += [(component, settings, given) for component, settings in chosen]
    first = {
        (obj["kind"], obj["metadata"]["name"]): obj
        for component, settings, given in rendered
        for obj in component.objects(settings, given)
        if obj["kind"] in _FIRST
    }
    for obj in first.values():
        _apply(kubernetes_server, _without_conversion(obj), dry=False)
    _until_established(kubernetes_server)
    return kubernetes_server


def _without_conversion(obj: KubernetesObject) -> KubernetesObject:
    """Nobody is here who could convert."""
    spec = {name: value for name, value in obj.get("spec", {}).items() if name != "conversion"}
    return {**obj, "spec": spec} if spec else obj


def _until_established(server: KubernetesServer) -> None:
    """A new kind is served a moment after its definition was made."""
    for found in server.request("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions")["items"]:
        for version in found["spec"]["versions"]:
            if version["served"]:
                until(f"{found['metadata']['name']} is served", partial(_open, server, found["spec"], version["name"]))


def _open(server: KubernetesServer, spec: dict[str, Any], version: str) -> bool:
    """Whether discovery names a kind, and its objects can be listed."""
    group = f"/apis/{spec['group']}/{version}"
    try:
        named = {each["kind"] for each in server.request("GET", group)["resources"]}
        server.request("GET", f"{group}/{spec['names']['plural']}?limit=1")
    except KubernetesRequestFailed:
        return False
    return spec["names"]["kind"] in named


@pytest.mark.parametrize("component", OWN, ids=lambda each: each.name)
def test_objects_are_accepted_with_no_unknown_field(server: KubernetesServer, component: Component[Any]) -> None:
    for obj in component.objects(component.settings(), install()):
        answer = _apply(server, obj, dry=True)
        assert answer["metadata"]["name"] == obj["metadata"]["name"]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("component", OWN, ids=lambda each: each.name)
def test_nobody_but_workspaces_waits_for_a_webhook(component: Component[Any]) -> None:
    """A broken component must block nothing of the platform. In workspaces its rules hold while it is down, but those
    for every pod: no component may keep another one's pods from starting."""
    for obj in component.objects(component.settings(), install()):
        for hook in obj.get("webhooks", []):
            tenants = {"matchExpressions": [{"key": "mlp.io/tenant", "operator": "Exists"}]}
            assert hook["namespaceSelector"] == tenants, hook["name"]
            assert hook["clientConfig"]["caBundle"], hook["name"]
            everywhere = "objectSelector" not in hook and any("pods" in rule["resources"] for rule in hook["rules"])
            assert hook["failurePolicy"] == ("Ignore" if everywhere else "Fail"), hook["name"]


@pytest.mark.parametrize("kind", ["aws", "gcp", "azure"])
def test_objects_for_clouds_are_accepted_with_no_unknown_field(server: KubernetesServer, kind: CloudKind) -> None:
    """What is not the same everywhere: the rest is in the test of each component."""
    local = [obj for component in OWN for obj in component.objects(component.settings(), install())]
    given, chosen = managed_install(kind)
    for component, settings in chosen:
        for obj in component.objects(settings, given):
            if obj in local:
                continue
            assert _apply(server, obj, dry=True)["metadata"]["name"] == obj["metadata"]["name"]


@pytest.mark.parametrize("component", OWN, ids=lambda each: each.name)
def test_pods_keep_to_their_namespaces_security_level(server: KubernetesServer, component: Component[Any]) -> None:
    """Templates only warn; the pods themselves are what the level refuses."""
    for obj in component.objects(component.settings(), install()):
        template = obj.get("spec", {}).get("template")
        if obj["kind"] not in {"Deployment", "StatefulSet", "DaemonSet", "Job"} or not template:
            continue
        spec = json.loads(json.dumps(template["spec"]))
        spec["serviceAccountName"] = "default"
        claims = obj["spec"].get("volumeClaimTemplates", [])
        spec["volumes"] = spec.get("volumes", []) + [
            {"name": claim["metadata"]["name"], "persistentVolumeClaim": {"claimName": "x"}} for claim in claims
        ]
        spec.pop("priorityClassName", None)
        name = f"try-{uuid.uuid4().hex[:8]}"
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**template["metadata"], "name": name}, "spec": spec}
        namespace = obj["metadata"]["namespace"]
        _service_account(server, namespace)
        server.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)


def _service_account(server: KubernetesServer, namespace: str) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    _apply(server, account, dry=False)


def _helper(image: str, path: str, **changes: Any) -> KubernetesObject:
    """A helper pod as local-path-provisioner completes its template."""
    pod = json.loads(json.dumps(helper_pod(image)))
    pod["metadata"]["name"] = f"helper-pod-create-{uuid.uuid4().hex[:8]}"
    pod["spec"] |= {
        "serviceAccountName": "volumes",
        "restartPolicy": "Never",
        "nodeName": "node1",
        "tolerations": [{"operator": "Exists"}],
        "volumes": [
            {"name": "data", "hostPath": {"path": path, "type": "DirectoryOrCreate"}},
            {"name": "script", "configMap": {"name": "volumes"}},
        ],
    } | changes
    return dict(pod)


def test_namespace_of_volumes_serves_its_one_purpose(server: KubernetesServer) -> None:
    volumes = next(each for each in OWN if each.name == "volumes")
    for obj in volumes.objects(volumes.settings(), install()):
        if obj["kind"] != "Deployment":
            _apply(server, obj, dry=False)
    image = install().images["volumes"]
    path = "/api/v1/namespaces/mlp-volumes/pods?dryRun=All"
    own = "/var/lib/mlp-volumes/"
    _until_refused(server, path, _helper(image, "/etc"))
    server.request("POST", path, _helper(image, own))
    refused = [
        _helper(image, "/"),
        _helper(image, "/var/lib/mlp-volumes/../../../etc"),
        _helper(image, "/var/lib/mlp-volumes2"),
        _helper("registry.mlp.internal/other:1", own),
        _helper(image, own, hostPID=True),
        _helper(image, own, hostNetwork=True),
        _helper(image, own, initContainers=[{"name": "x", "image": image}]),
    ]
    privileged = _helper(image, own)
    privileged["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    for pod in [*refused, privileged]:
        with pytest.raises(KubernetesRequestFailed) as error:
            server.request("POST", path, pod)
        assert error.value.status in {403, 422}


def _until_refused(server: KubernetesServer, path: str, pod: KubernetesObject) -> None:
    """A new admission policy takes a few seconds to act."""

    def refused() -> bool:
        try:
            server.request("POST", path, pod)
        except KubernetesRequestFailed as error:
            if "may mount /var/lib/mlp-volumes" in str(error):
                return True
            raise
        return False

    until("the admission policy acts", refused)
