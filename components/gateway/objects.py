"""nginx as a Deployment, reached from everywhere, reaching control plane, tracking server and API server."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.facts import Endpoint
from components.gateway.config import configuration
from components.gateway.images import GATEWAY_IMAGE
from components.gateway.kubernetes import NAME as KUBERNETES_NAME
from components.gateway.names import (
    GATEWAY_PODS,
    HOP_SECRET,
    NAME,
    NOTEBOOKS_HOP_SECRET,
    PORT,
    TLS_CERTIFICATE,
    TLS_KEY,
    TRACKING_HOP_SECRET,
)
from components.gateway.plan import HEALTH_PORT, GatewayPlan
from components.gateway.settings import GatewaySettings
from components.kubeflow_pipelines import names as kubeflow_pipelines
from components.names import SYSTEM_NAMESPACE, component_namespace
from components.notebooks.names import SERVER_PORT, SERVERS
from components.serving import names as serving

CONTROL_PLANE_HOST = f"control-plane.{SYSTEM_NAMESPACE}.svc"
CONTROL_PLANE_PORT = 8000


def endpoint() -> Endpoint:
    """Where pods reach it, by the name that its certificate bears."""
    namespace = component_namespace(NAME)
    return Endpoint(url=f"https://{NAME}.{namespace}.svc", namespace=namespace, pod_labels=GATEWAY_PODS, port=PORT)


def plan(settings: GatewaySettings, install: Install) -> GatewayPlan:
    """What the configuration is made from."""
    facts, domain = install.facts, settings.cluster_domain
    service = f"{NAME}.{component_namespace(NAME)}.svc"
    public = urlsplit(facts.public_url).hostname or "localhost"
    tracking = urlsplit(facts.tracking.url) if facts.tracking else None
    notebooks = urlsplit(facts.notebooks.url) if facts.notebooks else None
    return GatewayPlan(
        public_url=facts.public_url,
        names=tuple(dict.fromkeys((public, "localhost", "127.0.0.1", service, f"{service}.{domain}"))),
        control_plane=f"http://{CONTROL_PLANE_HOST}.{domain}:{CONTROL_PLANE_PORT}",
        tracking=f"http://{tracking.hostname}.{domain}:{tracking.port}" if tracking else None,
        tracking_host=(tracking.hostname or "") if tracking else "",
        kubernetes=f"{KUBERNETES_NAME}.{domain}:443",
        notebooks=f"http://{notebooks.hostname}.{domain}:{notebooks.port}" if notebooks else None,
        notebooks_domain=facts.notebooks_domain,
        resolver=f"{settings.dns_service}.{domain}",
        requests_per_second=settings.requests_per_second,
        max_body_mb=settings.max_body_mb,
        max_artifact_mb=settings.max_artifact_mb,
        serving=f".svc.{domain}" if serving.NAME in facts.components else None,
        kubeflow_pipelines=(
            f".svc.{domain}:{kubeflow_pipelines.HTTP_PORT}" if kubeflow_pipelines.NAME in facts.components else None
        ),
    )


def objects(settings: GatewaySettings, install: Install) -> tuple[KubernetesObject, ...]:
    """The hop secrets reach nginx as included files, the certificate as files; a change of either rolls the pods."""
    config = {"nginx.conf": configuration(plan(settings, install))}
    hops = {
        "control-plane.conf": _hop(install.secrets[HOP_SECRET]),
        "tracking.conf": _hop(install.secrets[TRACKING_HOP_SECRET]),
        "notebooks.conf": _hop(install.secrets[NOTEBOOKS_HOP_SECRET]),
    }
    tls = {"tls.crt": install.secrets[TLS_CERTIFICATE], "tls.key": install.secrets[TLS_KEY]}
    template = k8s.pod_template(NAME, k8s.digest(config, hops, tls), _pod(settings, install.images[GATEWAY_IMAGE]))
    upstreams = [{"to": [k8s.peer(SYSTEM_NAMESPACE)], "ports": k8s.ports(CONTROL_PLANE_PORT)}]
    if install.facts.tracking:
        upstreams.append(k8s.to_endpoint(install.facts.tracking))
    if serving.NAME in install.facts.components:
        upstreams.append({"to": [k8s.WORKSPACES], "ports": k8s.ports(serving.PORT)})
    if kubeflow_pipelines.NAME in install.facts.components:
        upstreams.append({"to": [k8s.WORKSPACES], "ports": k8s.ports(kubeflow_pipelines.HTTP_PORT)})
    if install.facts.notebooks:
        upstreams.append(k8s.to_endpoint(install.facts.notebooks))
        upstreams.append({"to": [SERVERS], "ports": k8s.ports(SERVER_PORT)})
    return (
        k8s.namespace(NAME),
        k8s.service_account(NAME),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME,
            "traffic",
            # From everywhere: people come through the nodes, with addresses of any kind.
            ingress=[{"ports": k8s.ports(PORT)}],
            egress=[k8s.to_dns(), *upstreams, *k8s.to_api_server(install.facts.network.api_server_endpoints)],
        ),
        k8s.config_map(NAME, "nginx", config),
        k8s.secret(NAME, "hops", hops),
        k8s.secret(NAME, "tls", tls, "kubernetes.io/tls"),
        _service(settings, install),
        *_disruption(settings),
        k8s.deployment(NAME, template, replicas=settings.replicas),
    )


def _hop(secret: str) -> str:
    return f'proxy_set_header X-Mlp-Gateway-Secret "{secret}";\n'


def _service(settings: GatewaySettings, install: Install) -> KubernetesObject:
    made = k8s.service(NAME, NAME, {"https": (443, PORT)})
    if settings.exposure == "node-port":
        made["spec"]["type"] = "NodePort"
        made["spec"]["ports"][0]["nodePort"] = settings.node_port
    elif settings.exposure == "load-balancer":
        made["spec"]["type"] = "LoadBalancer"
        made["spec"]["externalTrafficPolicy"] = "Local"
        if install.managed:
            made["metadata"]["annotations"] = dict(install.managed.load_balancer)
            if install.managed.sources:
                made["spec"]["loadBalancerSourceRanges"] = list(install.managed.sources)
    return made


def _disruption(settings: GatewaySettings) -> tuple[KubernetesObject, ...]:
    """A budget where there is a second replica; with one it would only keep nodes from being drained."""
    if settings.replicas < 2:
        return ()
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": GATEWAY_PODS}}
    return (k8s.obj("policy/v1", "PodDisruptionBudget", NAME, NAME, spec=spec),)


def _wait_for_names(settings: GatewaySettings, image: str) -> dict[str, Any]:
    """nginx ends at start where its resolver has no address yet, and is started again later and later."""
    host = f"{settings.dns_service}.{settings.cluster_domain}"
    return {
        "name": "wait-for-names",
        "image": image,
        "command": ["/bin/sh", "-c", f"until getent hosts {host} >/dev/null; do sleep 0.2; done"],
        "env": [{"name": "RES_OPTIONS", "value": "timeout:1 attempts:1"}],
        "securityContext": k8s.container_security(),
        "resources": k8s.resources("10m", "16Mi", "64Mi"),
    }


def _pod(settings: GatewaySettings, image: str) -> dict[str, Any]:
    health = {"httpGet": {"path": "/health", "port": HEALTH_PORT}, "timeoutSeconds": 5}
    return {
        "securityContext": k8s.pod_security(),
        "terminationGracePeriodSeconds": 30,
        "initContainers": [_wait_for_names(settings, image)],
        "containers": [
            {
                "name": "nginx",
                "image": image,
                "command": ["/usr/sbin/nginx", "-e", "stderr", "-c", "/etc/mlp/nginx.conf", "-g", "daemon off;"],
                "ports": [{"name": "https", "containerPort": PORT}, {"name": "health", "containerPort": HEALTH_PORT}],
                # Endpoints forget the pod first; then nginx ends what it is serving.
                "lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", "sleep 3; kill -QUIT 1"]}}},
                "startupProbe": {**health, "periodSeconds": 1, "failureThreshold": 60},
                "readinessProbe": {**health, "periodSeconds": 5},
                "livenessProbe": {**health, "periodSeconds": 20, "failureThreshold": 3},
                "securityContext": k8s.container_security(),
                "resources": k8s.resources("50m", "32Mi", settings.memory),
                "volumeMounts": [
                    {"name": "nginx", "mountPath": "/etc/mlp/nginx.conf", "subPath": "nginx.conf", "readOnly": True},
                    {"name": "hops", "mountPath": "/etc/mlp/hops", "readOnly": True},
                    {"name": "tls", "mountPath": "/etc/mlp/tls", "readOnly": True},
                    {"name": "kubernetes", "mountPath": "/etc/mlp/kubernetes", "readOnly": True},
                    k8s.TMP_MOUNT,
                ],
            }
        ],
        "volumes": [
            {"name": "nginx", "configMap": {"name": "nginx"}},
            {"name": "hops", "secret": {"secretName": "hops", "defaultMode": 0o444}},
            {"name": "tls", "secret": {"secretName": "tls", "defaultMode": 0o444}},
            # The API server's authority, which the cluster itself puts into every namespace.
            {"name": "kubernetes", "configMap": {"name": "kube-root-ca.crt"}},
            k8s.scratch("tmp", "1Gi"),
        ],
    }
