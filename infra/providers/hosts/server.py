"""Serves the provider to the engine."""

from __future__ import annotations

from typing import ClassVar

from infra.hosts.errors import HostError
from infra.providers.hosts import PLUGIN_VERSION
from infra.providers.hosts.provider import HostsProvider
from infra.providers.plugin.server import Servicer, serve


class HostsServicer(Servicer):
    """Errors of hosts and of their files are for the operator."""

    expected: ClassVar[tuple[type[Exception], ...]] = (HostError, OSError)


def main() -> None:
    """Serves until the engine ends this process, or is gone."""
    serve(PLUGIN_VERSION, HostsServicer, HostsProvider)
