"""Everything that components are rendered from → the programs of the stacks `components` and `controlplane`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from components.contract import Install, KubernetesObject, ServerCertificate
from components.database.names import ADMINISTRATOR_PASSWORD
from infra.clusters.outputs import ClusterOutputs
from infra.lifecycle.facts import chosen_components, platform_facts
from infra.lifecycle.names import CONTROL_PLANE_STACK
from infra.profile.model import Profile
from infra.stacks.components import Bill

CONTROL_PLANE = "control-plane"
"""The component that the stack `controlplane` installs; every other one belongs to `components`."""


def stack_bill(
    stack: str,
    profile: Profile,
    cluster: ClusterOutputs,
    images: Mapping[str, str],
    certificate: ServerCertificate,
    *,
    secret: Callable[[str], str],
    server_certificate: Callable[[str, tuple[str, ...]], ServerCertificate],
    upstream: Mapping[str, tuple[KubernetesObject, ...]],
) -> Bill:
    """The program of the stack. `secret` gives the value of a named one, `server_certificate` that of a server by
    its name and hosts."""
    components = chosen_components(profile)
    names = {name for component, _ in components for name in component.secrets}
    install = Install(
        facts=platform_facts(profile, cluster, images, certificate.ca, components),
        images=images,
        secrets={name: secret(name) for name in sorted(names)}
        | {"gateway-tls-crt": certificate.certificate, "gateway-tls-key": certificate.key}
        | ({ADMINISTRATOR_PASSWORD: cluster.database_password} if cluster.managed else {}),
        managed=cluster.managed,
        upstream=upstream,
        certificates={
            server.name: server_certificate(server.name, server.hosts)
            for component, _ in components
            for server in component.server_names
        },
    )
    control = stack == CONTROL_PLANE_STACK
    return Bill(cluster.kubeconfig, [(c, s) for c, s in components if (c.name == CONTROL_PLANE) == control], install)
