"""How others get at the cluster: the kubeconfig, and the gateway's load balancer. Pure."""

from __future__ import annotations

import sys

import yaml

from infra.clusters.aws.shape import Shape

TOKEN_MODULE = "infra.clouds.aws.token"  # noqa: S105 - a module's name
"""Run by kubectl and Pulumi for a token; it needs neither the AWS CLI nor a file with credentials."""


def kubeconfig(shape: Shape, endpoint: str, authority: str) -> str:
    """Holds no credential: who uses it is asked for theirs. `authority`: PEM in base64."""
    name, region = shape.scope.base, shape.scope.region
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": ["-m", TOKEN_MODULE, f"--cluster={name}", f"--region={region}"],
            "interactiveMode": "Never",
            "provideClusterInfo": False,
        }
    }
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": endpoint, "certificate-authority-data": authority}}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        }
    )


def load_balancer(shape: Shape, certificate: str) -> dict[str, str]:
    """Annotations of the gateway's Service: a network load balancer that ends TLS with the domain's certificate and
    speaks TLS to the gateway. With private addresses unless the profile opens it to public ranges."""
    prefix = "service.beta.kubernetes.io/aws-load-balancer-"
    scope = shape.scope
    tags = ",".join(f"{key}={value}" for key, value in sorted(scope.tags(scope.name("gateway")).items()))
    return {
        f"{prefix}type": "nlb",
        f"{prefix}internal": "true" if shape.internal_gateway else "false",
        f"{prefix}ssl-cert": certificate,
        f"{prefix}ssl-ports": "443",
        f"{prefix}backend-protocol": "ssl",
        f"{prefix}ssl-negotiation-policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
        f"{prefix}cross-zone-load-balancing-enabled": "true",
        f"{prefix}additional-resource-tags": tags,
    }
