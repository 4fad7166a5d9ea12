"""The kubeconfig of a person's way into a workspace: everything but the credential. Pure."""

from __future__ import annotations

import base64
from typing import Literal

from pydantic import ConfigDict, Field

from components.facts import PlatformFacts
from components.gateway.names import KUBERNETES_PATH
from controlplane.model import View

_HINT = (
    "The platform's command line gives the token. Without it, put a token of yours in place of exec: `token: mlp_…`."
)


class _Part(View):
    """Names as kubectl's file has them."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True)


class ClusterPlace(_Part):
    server: str
    certificate_authority_data: str | None = Field(
        default=None, alias="certificate-authority-data", exclude_if=lambda value: value is None
    )
    """PEM in base64; absent where a public authority signed the gateway's certificate."""


class NamedCluster(_Part):
    name: str
    cluster: ClusterPlace


class ContextPlace(_Part):
    cluster: str
    user: str
    namespace: str


class NamedContext(_Part):
    name: str
    context: ContextPlace


class ExecCredential(_Part):
    """A command that prints the token, so that none is in the file."""

    api_version: Literal["client.authentication.k8s.io/v1"] = Field(
        default="client.authentication.k8s.io/v1", alias="apiVersion"
    )
    command: str
    args: tuple[str, ...]
    interactive_mode: Literal["Never"] = Field(default="Never", alias="interactiveMode")
    install_hint: str = Field(default=_HINT, alias="installHint")


class UserPlace(_Part):
    exec: ExecCredential


class NamedUser(_Part):
    name: str
    user: UserPlace


class Kubeconfig(_Part):
    """A whole kubeconfig file, in JSON, which is YAML as well. It holds no secret."""

    api_version: Literal["v1"] = Field(default="v1", alias="apiVersion")
    kind: Literal["Config"] = "Config"
    clusters: tuple[NamedCluster, ...]
    contexts: tuple[NamedContext, ...]
    users: tuple[NamedUser, ...]
    current_context: str = Field(alias="current-context")


def kubeconfig(facts: PlatformFacts, tenant: str, workspace: str, namespace: str) -> Kubeconfig:
    """Names are of this installation, so that files of several can be merged."""
    place = f"mlp-{facts.installation}"
    context = f"{tenant}/{workspace}@{facts.installation}"
    ca = base64.b64encode(facts.ca_certificate.encode()).decode() or None
    args = ("token", "credential", "--url", facts.public_url)
    return Kubeconfig(
        clusters=(
            NamedCluster(
                name=place,
                cluster=ClusterPlace(server=f"{facts.public_url}{KUBERNETES_PATH}", certificate_authority_data=ca),
            ),
        ),
        contexts=(NamedContext(name=context, context=ContextPlace(cluster=place, user=place, namespace=namespace)),),
        users=(NamedUser(name=place, user=UserPlace(exec=ExecCredential(command="platform", args=args))),),
        current_context=context,
    )
