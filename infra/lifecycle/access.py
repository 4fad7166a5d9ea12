"""How the command line gets into the control plane of an installation on this machine."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from infra.api.client import Access, ApiError, Client, NotSignedIn
from infra.api.login import new_token
from infra.installation.errors import NotInstalled
from infra.installation.home import Home, write_private
from infra.installation.record import read_record
from infra.installation.secrets import open_secrets
from infra.lifecycle.facts import notebooks_domain, public_url
from infra.lifecycle.names import ADMIN_ACCOUNT, ADMIN_PASSWORD
from infra.profile.model import Profile

_SECONDS = 90.0


def gateway_names(profile: Profile) -> tuple[str, ...]:
    """DNS names and addresses in the gateway's certificate: the public one, the service's inside the cluster, and every
    notebook server's."""
    host = urlsplit(public_url(profile)).hostname or "localhost"
    service = "gateway.mlp-gateway.svc"
    names = [host, "localhost", "127.0.0.1", service, f"{service}.cluster.local"]
    if domain := notebooks_domain(profile).partition(":")[0]:
        names.append(f"*.{domain}")
    return tuple(dict.fromkeys(names))


def installed_access(home: Home) -> Access:
    """Address, authority and the kept token, which is empty before the first sign-in. Raises NotInstalled."""
    url = read_record(home).facts.get("public_url")
    if not url:
        raise NotInstalled(f"Installation {home.name!r} has no control plane yet. Run: platform up")
    ca = home.pki / "ca.crt"
    token = home.cli_token.read_text("ascii").strip() if home.cli_token.exists() else ""
    return Access(str(url), token, ca.read_text("ascii") if ca.exists() else "")


def sign_in(home: Home, seconds: float = _SECONDS) -> Access:
    """Access with a token that works, signing in as the first administrator where the kept one does not.

    Waits for the gateway to answer. Raises ApiError with the last reason after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return _sign_in_once(home)
        except ApiError as error:
            if time.monotonic() >= deadline or isinstance(error, NotSignedIn):
                raise
        time.sleep(0.5)


def _sign_in_once(home: Home) -> Access:
    access = installed_access(home)
    if access.token:
        try:
            with Client(access) as client:
                client.get("/me")
        except NotSignedIn:
            access = Access(access.url, "", access.ca)
        else:
            return access
    token = new_token(access, ADMIN_ACCOUNT, open_secrets(home).get(ADMIN_PASSWORD))
    write_private(home.cli_token, token)
    return Access(access.url, token, access.ca)
