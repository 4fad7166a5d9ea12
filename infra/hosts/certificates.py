"""The certificates that kubeadm made: when they end, and making new ones before that.

kubelets renew their own. A renewal that was interrupted is gone on with: a file on the host says that it began.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

from cryptography import x509

from infra.hosts import staticpods
from infra.hosts.errors import HostError
from infra.hosts.kubeadm import CONFIG_DIR
from infra.hosts.transport import Transport

RENEW_DAYS = 30
"""Certificates that end sooner are renewed by `up`; kubeadm's live a year."""
RENEW_SECONDS = 300.0
"""kubeadm asks an API server that does not answer for its configuration first."""
BEGUN = f"{CONFIG_DIR}/renewing"

_READ = """
cd /etc/kubernetes || exit 3
for file in pki/*.crt pki/etcd/*.crt; do
  case "$file" in *ca.crt) ;; *) if [ -e "$file" ]; then echo "file: $file"; cat "$file"; fi ;; esac
done
for file in admin.conf controller-manager.conf scheduler.conf super-admin.conf; do
  if [ -e "$file" ]; then echo "file: $file"; sed -n 's/^ *client-certificate-data: *//p' "$file"; fi
done
"""
"""Public parts only: no key leaves the host."""


def parse(text: str) -> dict[str, datetime]:
    """File → when its certificate ends. Raises ValueError for what is no certificate."""
    found: dict[str, datetime] = {}
    for part in re.split(r"^file: ", text, flags=re.MULTILINE)[1:]:
        name, _, content = part.partition("\n")
        body = content.strip()
        if body:
            pem = body.encode() if body.startswith("-----BEGIN") else base64.b64decode(body)
            found[name] = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    return found


def ends(transport: Transport) -> dict[str, datetime]:
    """File below /etc/kubernetes → when its certificate ends; authorities are left out."""
    try:
        return parse(transport.run(["/bin/sh", "-c", _READ]).text)
    except ValueError as error:
        raise HostError(f"host {transport.host} has a damaged certificate in /etc/kubernetes: {error}") from error


def due(transport: Transport, days: int, now: datetime | None = None) -> bool:
    """Whether a certificate ends within so many days, or a renewal has begun and not ended."""
    limit = (now or datetime.now(UTC)) + timedelta(days=days)
    return min(ends(transport).values(), default=limit) < limit or transport.get(BEGUN) is not None


def ended(transport: Transport, now: datetime | None = None) -> bool:
    """Whether one has ended already, so that the host's part of the cluster talks to no other."""
    moment = now or datetime.now(UTC)
    return min(ends(transport).values(), default=moment) < moment


def begin(transport: Transport) -> str:
    """New certificates for everything but kubelet, and the static pods' restart. Gives the restart's stamp."""
    begun = transport.get(BEGUN)
    stamp = begun.decode() if begun is not None else datetime.now(UTC).isoformat(timespec="seconds")
    transport.put(BEGUN, stamp.encode())
    transport.run(["kubeadm", "certs", "renew", "all"], timeout=RENEW_SECONDS)
    for name in staticpods.CONTROL_PLANE:
        staticpods.restart(transport, name, stamp)
    return stamp


def renew(transport: Transport, server: str) -> None:
    """`begin`, and waits until all static pods run anew.

    `server` is the URL of the host's own API server. Does it on one host; the caller goes from host to host.
    """
    stamp = begin(transport)
    staticpods.wait_for_restart(transport, server, staticpods.CONTROL_PLANE, stamp)
    transport.run(["rm", "-f", BEGUN])
