"""Profile → the Pulumi programs of its cloud. The clouds' SDKs are imported only here, when they are needed."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import ModuleType

from infra.clusters.bill import Item
from infra.clusters.errors import ClusterError
from infra.engine.declared import Answers
from infra.engine.model import Program
from infra.profile.model import Profile


def cluster_program(profile: Profile, database_authority: str = "", repositories: Collection[str] = ()) -> Program:
    """The stack `cluster` of a profile whose target is a cloud. Raises ClusterError where its SDK is missing.

    `database_authority`: PEM of the authority of AWS's databases; without it their certificates are not checked.
    `repositories`: paths below the registry that images will have beside those that the platform makes itself.
    """
    with _sdk(profile):
        made = _module(profile).program(profile)
    if profile.aws is not None:
        made = made.told(database_authority, repositories)
    program: Program = made
    return program


def address_program(profile: Profile, target: str) -> Program:
    """The stack `address`: the domain leads to `target`, the host name or address of the gateway's load balancer."""
    with _sdk(profile):
        made: Program = _module(profile, "address").program(profile, target)
    return made


def answers(profile: Profile) -> Answers:
    """Made-up outputs of that cloud's resources, for `declare`."""
    with _sdk(profile):
        made: Answers = _module(profile, "offline").answers(profile)
    return made


def bill(profile: Profile) -> tuple[Item, ...]:
    """What the profile's cloud consumes. Needs no SDK."""
    with _sdk(profile):
        made: tuple[Item, ...] = _module(profile, "bill").bill(profile)
    return made


def _module(profile: Profile, part: str = "") -> ModuleType:
    if profile.cloud is None:
        raise ValueError(f"target {profile.target!r} is no cloud")
    return importlib.import_module(f"infra.clusters.{profile.target}" + (f".{part}" if part else ""))


@contextmanager
def _sdk(profile: Profile) -> Iterator[None]:
    """Modules import the SDK when they are loaded or when they are asked; either may find that it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "infra":
            raise
        lock = f"infra/clouds/{profile.target}/requirements.lock"
        raise ClusterError(
            f"Target {profile.target} needs the package {missing}, which is not installed. Run: "
            f".venv/bin/uv pip install --python .venv/bin/python --require-hashes -r {lock}"
        ) from error
