"""The rights that an installation needs in its cloud, as the cloud's own policy documents, from what is declared."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType

from infra.clusters.programs import answers, cluster_program
from infra.engine.declared import declare
from infra.profile.model import Profile


def rights(profile: Profile) -> Mapping[str, str]:
    """File name → text, such as `azure-installer.json`; sorted. Offline; takes some seconds.

    Raises ClusterError where the cloud's SDK is missing, and LookupError for a resource type whose rights nobody wrote
    down yet.
    """
    declaration = declare(cluster_program(profile), answers(profile))
    made: Mapping[str, str] = _module(profile).policy(declaration, profile)
    return {name: made[name] for name in sorted(made)}


def _module(profile: Profile) -> ModuleType:
    return importlib.import_module(f"infra.clusters.{profile.target}.rights")
