"""The Pulumi engine of an installation with the plugins that its profile chooses."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.engine.engine import Engine
from infra.engine.model import Plugin
from infra.installation.home import Home
from infra.installation.secrets import open_secrets
from infra.lifecycle.names import PULUMI_PASSPHRASE
from infra.profile.model import Profile

HOSTS_PLUGIN = Plugin("hosts", "0.1.0", (sys.executable, "-m", "infra.providers.hosts"))
KUBERNETES_PLUGIN = Plugin("kubernetes", "4.28.0", (sys.executable, "-m", "infra.providers.kubernetes"))
"""Ours, at the version of the official plugin that it stands in for."""


def open_engine(profile: Profile, home: Home, pulumi: Path) -> Engine:
    """The engine with its state in the home, sealed by a passphrase derived from the installation's root key."""
    embedded = (KUBERNETES_PLUGIN,) if profile.engine.kubernetes_plugin == "embedded" else ()
    secrets = open_secrets(home)
    return Engine(
        home.path,
        pulumi,
        plugins=(HOSTS_PLUGIN, *embedded),
        passphrase=lambda: secrets.get(PULUMI_PASSPHRASE),
        fetch_plugins=not embedded,
    )
