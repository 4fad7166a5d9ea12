"""What each stack's program would change, found without credentials, network, engine or plugins.

A program is declared against the state that is kept on this machine. Where state is kept elsewhere, or nothing was
installed yet, everything is created.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from components.contract import Install, ServerCertificate
from components.facts import Network
from infra.clusters.outputs import ClusterOutputs, from_engine
from infra.clusters.programs import address_program, answers
from infra.engine.declared import Answers, Declaration, Declared
from infra.engine.kept import Against, Kept, KeptStack, declare_against, read_kept
from infra.engine.model import Output, Program
from infra.installation.home import Home, cache_root
from infra.installation.record import Record, read_record
from infra.installation.secrets import open_secrets
from infra.lifecycle import supplies
from infra.lifecycle.bills import stack_bill
from infra.lifecycle.cluster import cluster_stack
from infra.lifecycle.facts import chosen_components
from infra.lifecycle.names import (
    ADDRESS_STACK,
    CLUSTER_STACK,
    COMPONENTS_STACK,
    CONTROL_PLANE_STACK,
    PULUMI_PASSPHRASE,
)
from infra.plan.difference import Resource, ResourceChange, differences
from infra.plan.fixed import fixed_paths
from infra.profile.model import Profile
from infra.providers.hosts.provider import RESOURCES as HOST_RESOURCES
from infra.providers.kubernetes import rules
from infra.providers.kubernetes.paths import show
from infra.stacks.components import Bill
from infra.supply.model import Blob, BuiltImage, ImageSet
from infra.toolchain.model import Tool
from infra.toolchain.service import Toolchain

NOT_BUILT = "sha256:" + "0" * 64
"""Digest of images that were not built yet: their content decides it."""

STEP_OF = {
    CLUSTER_STACK: "cluster",
    COMPONENTS_STACK: "components",
    ADDRESS_STACK: "address",
    CONTROL_PLANE_STACK: "control-plane",
}
"""Stack → the step of `up` that makes it."""


@dataclass(frozen=True)
class StackChanges:
    """What happens to one stack. `same` counts what stays as it is."""

    stack: str
    changes: tuple[ResourceChange, ...]
    same: int
    declaration: Declaration = field(default_factory=lambda: Declaration(()))

    @property
    def resources(self) -> tuple[tuple[str, str, str], ...]:
        """URN, type token and name of everything that a provider handles."""
        return tuple((each.urn, each.kind, each.name) for each in _handled(self.declaration))

    @property
    def step(self) -> str:
        return STEP_OF[self.stack]


class Offline:
    """The stacks of one installation as their programs declare them now."""

    def __init__(self, profile: Profile, home: Home) -> None:
        self._profile = profile
        self._home = home
        self._record: Record = read_record(home)
        self._answers: Answers | None = answers(profile) if profile.cloud else None
        self._kept: dict[str, KeptStack | None] = {}
        self._found: dict[str, StackChanges] = {}

    def stacks(self) -> tuple[StackChanges, ...]:
        """In the order of `up`. Raises ClusterError where a cloud's SDK is missing, VaultError for a wrong key."""
        names = [COMPONENTS_STACK, CONTROL_PLANE_STACK]
        if self._profile.existing is None:
            names.insert(0, CLUSTER_STACK)
        if self._profile.cloud is not None:
            names.insert(2, ADDRESS_STACK)
        return tuple(self.stack(name) for name in names)

    def stack(self, name: str) -> StackChanges:
        """One of them."""
        if name not in self._found:
            self._found[name] = self._changes(name, *self._program(name))
        return self._found[name]

    def install(self) -> Install:
        """What components' objects are rendered from."""
        return self._bill(COMPONENTS_STACK).install

    def _program(self, name: str) -> tuple[Program, Answers | None]:
        if name == CLUSTER_STACK:
            return cluster_stack(self._profile, self._tools, self.images), self._answers
        if name == ADDRESS_STACK:
            return address_program(self._profile, self._balancer()), self._answers
        return self._bill(name), None

    def _balancer(self) -> str:
        """Where the domain leads to: as last applied, or made up. AWS gives host names, the others addresses."""
        stack = self.kept(ADDRESS_STACK)
        if stack is not None and "target" in stack.outputs:
            return str(stack.outputs["target"].value)
        return "gateway.load-balancer.invalid" if self._profile.aws else "192.0.2.1"

    @cached_property
    def _outputs(self) -> ClusterOutputs:
        """The cluster as its program exports it; made-up values where it is not there yet."""
        if self._profile.existing is not None:
            return ClusterOutputs("", "", self._profile.kubernetes.version, self._network())
        exports = self.stack(CLUSTER_STACK).declaration.exports
        return from_engine({name: Output("" if value is None else value) for name, value in exports.items()})

    @cached_property
    def images(self) -> ImageSet:
        """Images as last built, those that never were with a digest of zeros; those of archives as they are there."""
        built = self._built_images()
        wanted = supplies.wanted_images(self._profile, chosen_components(self._profile))
        images: dict[str, BuiltImage] = {}
        for image in wanted:
            guess = f"{self._profile.supply.registry}{image.name}:{image.version}"
            reference = self._record.images.get(image.name, guess)
            manifest = built.get(reference, Blob(NOT_BUILT, 0))
            images[image.name] = BuiltImage(image.name, reference, manifest, Blob(NOT_BUILT, 0), ())
        made_here = {image.reference for image in images.values()}
        given = supplies.given_images(self._profile)
        images |= {image.name: image for image in given if image.reference not in made_here}
        return ImageSet(images)

    def _bill(self, stack: str) -> Bill:
        source = open_secrets(self._home) if self._home.exists else None
        return stack_bill(
            stack,
            self._profile,
            self._outputs,
            self.images.references,
            self._certificate("gateway"),
            secret=source.get if source else lambda name: f"made at the first up: {name}",
            server_certificate=lambda server, _: self._certificate(server),
            upstream=supplies.kept_upstream(chosen_components(self._profile)),
        )

    def _changes(self, stack: str, program: Program, made_up: Answers | None) -> StackChanges:
        if isinstance(program, Bill):
            return compared(stack, Against(program.declaration(stack), self.kept(stack) or KeptStack()))
        return compared(stack, declare_against(program, self.kept(stack), made_up, stack))

    def kept(self, stack: str) -> KeptStack | None:
        """The state of a stack on this machine; None where it has none here."""
        if stack not in self._kept:
            self._kept[stack] = kept_stack(self._home, stack) if self._home.exists else None
        return self._kept[stack]

    def _built_images(self) -> Mapping[str, Blob]:
        """Reference → manifest, as the state of the hosts' images says."""
        stack = self.kept(CLUSTER_STACK)
        return {
            image["reference"]: Blob(image["digest"], image["size"])
            for each in (stack.resources if stack else ())
            if each.kind == "hosts:index:HostImages"
            for image in each.inputs["images"]
        }

    @cached_property
    def _tools(self) -> dict[str, Tool]:
        """Tools as they are; those that must be made first, where the cache will have them."""
        wanted = supplies.wanted_tools(
            self._profile, supplies.wanted_images(self._profile, chosen_components(self._profile))
        )
        chain = Toolchain(cache_root())
        there = [finding.name for finding in chain.inspect(wanted) if finding.action == "use"]
        found = dict(chain.ensure(there))
        for name in wanted:
            found.setdefault(name, Tool(name, "", cache_root() / "tools" / name / "bin" / name, "built"))
        return found

    def _certificate(self, server: str) -> ServerCertificate:
        def text(name: str) -> str:
            path: Path = self._home.pki / name
            return path.read_text("ascii") if path.exists() else f"made at the first up: {name}"

        return ServerCertificate(ca=text("ca.crt"), certificate=text(f"{server}.crt"), key=text(f"{server}.key"))

    def _network(self) -> Network:
        known = self._record.facts.get("network")
        if known:
            return Network.model_validate(known)
        ranges = self._profile.kubernetes.ranges
        return Network(pods=ranges.pods, services=ranges.services, nodes=ranges.nodes, api_server_endpoints=())


def kept_stack(home: Home, stack: str) -> KeptStack | None:
    """The state of a stack of an installation; None where it has none on this machine. Raises VaultError."""
    return read_kept(home.path, stack, lambda: open_secrets(home).get(PULUMI_PASSPHRASE))


def compared(stack: str, against: Against) -> StackChanges:
    """What an update of the stack would change, by its declaration and its state. Pure."""
    old = [_of_kept(each) for each in against.kept.resources]
    new = [_of_declared(each, against) for each in _handled(against.declaration)]
    changes = differences(old, new, fixed, against.made_up)
    touched = sum(1 for change in changes if change.op != "destroy")
    return StackChanges(stack, changes, len(new) - touched, against.declaration)


def fixed(old: Resource, new: Resource) -> frozenset[str]:
    """Paths of a resource that cannot change in place: by our plugins' own rules, or as providers document it."""
    if new.kind in HOST_RESOURCES:
        return HOST_RESOURCES[new.kind].replaces
    if new.kind.startswith("kubernetes:"):
        found = rules.compare(dict(old.properties), dict(new.properties))
        return frozenset(show(each.path) for each in found if each.replaces)
    return fixed_paths(new.kind)


def _handled(declaration: Declaration) -> list[Declared]:
    return [each for each in declaration.resources if each.custom and not each.kind.startswith("pulumi:")]


def _of_kept(kept: Kept) -> Resource:
    secrets = kept.secrets | (_SECRET_FIELDS if kept.kind == _SECRET else frozenset())
    return Resource(kept.urn, kept.kind, kept.name, kept.inputs, secrets)


def _of_declared(declared: Declared, against: Against) -> Resource:
    """With what plugins fill in: ours by their own rules; those of clouds mark it, but for names that they made."""
    properties = dict(declared.properties)
    secrets = frozenset(declared.secrets)
    old = next((dict(each.inputs) for each in against.kept.resources if each.urn == declared.urn), None)
    if declared.kind.startswith("kubernetes:"):
        properties = rules.complete(
            properties,
            old,
            resource_name=declared.name,
            seed=declared.urn.encode(),
            token=declared.kind,
            namespace=None,
        )
        secrets |= _SECRET_FIELDS if declared.kind == _SECRET else frozenset()
    elif declared.kind in HOST_RESOURCES:
        properties = HOST_RESOURCES[declared.kind].inputs.model_validate(properties).properties()
    else:
        properties |= {key: value for key, value in (old or {}).items() if _made_name(declared, key, value)}
    return Resource(declared.urn, declared.kind, declared.name, properties, secrets)


def _made_name(declared: Declared, key: str, value: object) -> bool:
    """Whether a provider made this name because the program gives none: the resource's, and some hex digits."""
    if declared.properties.get(key) is not None or not isinstance(value, str):
        return False
    plain = declared.name.replace("-", "")
    return any(re.fullmatch(rf"{re.escape(name)}-?[0-9a-f]{{7,8}}", value) for name in (declared.name, plain))


_SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 - a type token
_SECRET_FIELDS = frozenset({"data", "stringData"})
