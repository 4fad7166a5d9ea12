"""The domain below which every notebook server has a host name. Pure."""

from __future__ import annotations

from infra.profile.model import Profile

LOCAL = "nb.localhost"
"""A browser takes every name below localhost for this machine."""


def notebooks_host(profile: Profile, public_host: str) -> str:
    """Without a port; empty where notebooks are switched off. `public_host`: the platform's own."""
    choice = profile.components.choice("notebooks")
    if not choice.enabled:
        return ""
    chosen = str(getattr(choice.settings, "domain", ""))
    return chosen or (LOCAL if public_host == "localhost" else f"notebooks.{public_host}")


def names_below(profile: Profile, domain: str) -> tuple[str, ...]:
    """Wildcard names of notebook servers in the zone of `domain`; one chosen elsewhere is not ours to write."""
    host = notebooks_host(profile, domain)
    return (f"*.{host}",) if host.endswith(f".{domain}") else ()
