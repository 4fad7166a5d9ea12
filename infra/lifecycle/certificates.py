"""When the certificates of an installation end, as `platform status` shows it: read from what is served and kept."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509

from infra.hosts.kubeadm import API_PORT
from infra.installation.home import Home
from infra.profile.model import Profile

_SECONDS = 3.0


@dataclass(frozen=True)
class Ending:
    """A certificate and its end."""

    name: str
    ends: datetime

    def days(self, now: datetime) -> int:
        """Whole days that are left; negative afterwards."""
        return (self.ends - now).days


def endpoints(profile: Profile) -> tuple[tuple[str, str, int], ...]:
    """(name, address, port) of every API server of ours, as this machine reaches it; none where a cloud keeps them."""
    if profile.local is not None:
        return (("API server", "127.0.0.1", profile.local.ports.api),)
    if profile.onprem is not None:
        planes = [host for host in profile.onprem.hosts if host.role == "control-plane"]
        return tuple((f"API server of {host.name}", host.address, API_PORT) for host in planes)
    return ()


def served(address: str, port: int) -> datetime | None:
    """When the certificate that is served there ends, or None where nobody answers.

    It is not verified: one that has ended must be shown, too, and nothing is sent.
    """
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout=_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=address) as secured,
        ):
            content = secured.getpeercert(binary_form=True)
    except OSError:
        return None
    return x509.load_der_x509_certificate(content).not_valid_after_utc if content else None


def administrator(kubeconfig: str) -> datetime | None:
    """When the certificate in a kubeconfig ends; None for one that has none, or cannot be read."""
    with contextlib.suppress(yaml.YAMLError, ValueError, KeyError, IndexError, TypeError):
        user: dict[str, Any] = yaml.safe_load(kubeconfig)["users"][0]["user"]
        content = base64.b64decode(user["client-certificate-data"])
        return x509.load_pem_x509_certificate(content).not_valid_after_utc
    return None


def endings(profile: Profile, home: Home) -> tuple[Ending, ...]:
    """All that can be read now, the first to end first. The clusters of clouds and others' keep their own."""
    return tuple(sorted(_found(profile, home), key=lambda ending: ending.ends))


def _found(profile: Profile, home: Home) -> Iterator[Ending]:
    ours = endpoints(profile)
    if ours:
        with ThreadPoolExecutor(len(ours)) as pool:
            for (name, _, _), ends in zip(ours, pool.map(lambda each: served(each[1], each[2]), ours), strict=True):
                if ends is not None:
                    yield Ending(name, ends)
        ends = administrator(_text(home.kubeconfig))
        if ends is not None:
            yield Ending("administrator", ends)
    with contextlib.suppress(ValueError):
        yield Ending(
            "gateway", x509.load_pem_x509_certificate(_text(home.pki / "gateway.crt").encode()).not_valid_after_utc
        )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def document(found: tuple[Ending, ...], now: datetime | None = None) -> list[dict[str, Any]]:
    """As `status --json` has it: name, ends, days_left."""
    moment = now or datetime.now(UTC)
    return [
        {"name": each.name, "ends": each.ends.isoformat(timespec="seconds"), "days_left": each.days(moment)}
        for each in found
    ]
