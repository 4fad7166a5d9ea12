"""Where notebook servers' names lie, and that the gateway's certificate is good for them."""

from __future__ import annotations

import pytest

from infra.lifecycle.access import gateway_names
from infra.lifecycle.facts import notebooks_domain
from infra.profile.load import load
from infra.profile.notebooks import names_below

_HERE = ("gateway.mlp-gateway.svc", "gateway.mlp-gateway.svc.cluster.local")


@pytest.mark.parametrize(
    ("name", "changes", "domain"),
    [
        ("local", (), "nb.localhost:8443"),
        ("local", ("local.ports.gateway=9443",), "nb.localhost:9443"),
        ("existing", ("existing.public_url=https://ml.example.com",), "notebooks.ml.example.com"),
        ("existing", ("existing.public_url=https://ml.example.com:444",), "notebooks.ml.example.com:444"),
        ("gcp", ("gcp.domain=ml.example.com",), "notebooks.ml.example.com"),
        ("local", ("components.notebooks.settings.domain=nb.example.com",), "nb.example.com:8443"),
        ("local", ("components.notebooks.enabled=false",), ""),
    ],
)
def test_domains(name: str, changes: tuple[str, ...], domain: str) -> None:
    profile = load(name, changes)
    assert notebooks_domain(profile) == domain
    wildcards = [each for each in gateway_names(profile) if each.startswith("*.")]
    assert wildcards == ([f"*.{domain.partition(':')[0]}"] if domain else [])
    assert set(_HERE) <= set(gateway_names(profile))


def test_names_in_another_zone_are_not_ours_to_write() -> None:
    assert names_below(load("gcp", ("gcp.domain=ml.example.com",)), "ml.example.com") == ("*.notebooks.ml.example.com",)
    other = load("gcp", ("gcp.domain=ml.example.com", "components.notebooks.settings.domain=nb.example.org"))
    assert names_below(other, "ml.example.com") == ()
