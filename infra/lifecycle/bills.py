"""Profile, cluster, images and secrets → the programs of the stacks `components` and `controlplane`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from components.contract import Install
from components.database.names import ADMINISTRATOR_PASSWORD
from infra.clusters.outputs import ClusterOutputs
from infra.installation.pki import GatewayCertificate
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
    certificate: GatewayCertificate,
    *,
    secret: Callable[[str], str],
) -> Bill:
    """The program of the stack. `secret` gives the value of a named one."""
    components = chosen_components(profile)
    names = {name for component, _ in components for name in component.secrets}
    install = Install(
        facts=platform_facts(profile, cluster, images, certificate.ca, components),
        images=images,
        secrets={name: secret(name) for name in sorted(names)}
        | {"gateway-tls-crt": certificate.certificate, "gateway-tls-key": certificate.key}
        | ({ADMINISTRATOR_PASSWORD: cluster.database_password} if cluster.managed else {}),
        managed=cluster.managed,
    )
    control = stack == CONTROL_PLANE_STACK
    return Bill(cluster.kubeconfig, [(c, s) for c, s in components if (c.name == CONTROL_PLANE) == control], install)
