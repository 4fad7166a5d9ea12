"""The Pulumi engine of an installation with the plugins that its profile chooses."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.clouds.state.opening import state_folder
from infra.clusters.programs import answers
from infra.engine.engine import Engine
from infra.engine.model import Plugin
from infra.engine.repair import Identify, nothing
from infra.installation.home import Home
from infra.installation.secrets import open_secrets
from infra.lifecycle.names import PULUMI_PASSPHRASE
from infra.profile.model import Profile

HOSTS_PLUGIN = Plugin("hosts", "0.1.0", (sys.executable, "-m", "infra.providers.hosts"))
KUBERNETES_PLUGIN = Plugin("kubernetes", "4.28.0", (sys.executable, "-m", "infra.providers.kubernetes"))
"""Ours, at the version of the official plugin that it stands in for."""


def open_engine(profile: Profile, home: Home, pulumi: Path) -> Engine:
    """The engine with its state where the profile keeps it, sealed by a key of the cloud or by a passphrase derived
    from the installation's root key. Raises SdkMissing."""
    embedded = (KUBERNETES_PLUGIN,) if profile.engine.kubernetes_plugin == "embedded" else ()
    secrets = open_secrets(home)
    return Engine(
        home.path,
        pulumi,
        plugins=(HOSTS_PLUGIN, *embedded),
        state=state_folder(profile, home.path),
        secrets=profile.state.secrets,
        identify=_identify(profile),
        passphrase=lambda: secrets.get(PULUMI_PASSPHRASE),
        fetch_plugins=not embedded,
        command=f"platform {home.command}" if home.command else "",
    )


def _identify(profile: Profile) -> Identify:
    """Ids that follow from what the program says: names on AWS, paths on Azure and Google Cloud."""
    if profile.cloud is None:
        return nothing
    known = answers(profile)

    def identify(kind: str, name: str, inputs: Mapping[str, Any]) -> str:
        package = kind.partition(":")[0]
        if package not in ("aws", "gcp", "azure-native"):
            return ""
        found = str(known.resource(kind, name, inputs).get("id", ""))
        return found if package != "aws" or found in inputs.values() else ""

    return identify
