"""Which certificates `platform status` tells about, and how."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.installation.home import Home
from infra.installation.pki import gateway_certificate
from infra.lifecycle import certificates
from infra.profile.model import Profile

_NOW = datetime(2030, 1, 1, tzinfo=UTC)


def _kubeconfig(ends: datetime) -> str:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(1).not_valid_before(ends - timedelta(days=9)).not_valid_after(ends)
    content = dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    user = {"client-certificate-data": base64.b64encode(content).decode()}
    return yaml.safe_dump({"users": [{"name": "admin", "user": user}]})


def test_the_administrators_certificate_is_read_from_the_kept_kubeconfig() -> None:
    assert certificates.administrator(_kubeconfig(_NOW)) == _NOW


@pytest.mark.parametrize(
    "text", ["", "users: []", "users: [{user: {token: x}}]", "[", "users: [{user: {client-certificate-data: YQ==}}]"]
)
def test_a_kubeconfig_without_one_has_no_end(text: str) -> None:
    assert certificates.administrator(text) is None


def test_every_control_plane_of_ours_is_asked_and_no_clouds() -> None:
    def profile(**section: object) -> Profile:
        return Profile.model_validate({"name": "trial", **section})

    assert certificates.endpoints(profile(target="local")) == (("API server", "127.0.0.1", 16443),)
    hosts = [
        {"name": f"plane{index}", "address": f"10.0.0.{index}", "role": "control-plane"} for index in (1, 2, 3)
    ] + [{"name": "worker1", "address": "10.0.0.9"}]
    onprem = {"hosts": hosts, "virtual_address": "10.0.0.100", "public_url": "https://ml.example.com"}
    found = certificates.endpoints(profile(target="onprem", onprem=onprem))
    assert found == tuple((f"API server of plane{index}", f"10.0.0.{index}", 6443) for index in (1, 2, 3))
    assert certificates.endpoints(profile(target="existing", existing={}, supply={"delivery": "provided"})) == ()


def test_an_installation_elsewhere_tells_of_its_gateway_alone(tmp_path: Path) -> None:
    home = Home("trial", tmp_path)
    home.create()
    other = Profile.model_validate({"name": "trial", "target": "existing", "supply": {"delivery": "provided"}})
    assert certificates.endings(other, home) == ()
    gateway_certificate(home, ("localhost",))
    (gateway,) = certificates.endings(other, home)
    assert gateway.name == "gateway"
    assert 390 < gateway.days(datetime.now(UTC)) < 398


def test_whole_days_are_told_and_ended_ones_are_below_zero() -> None:
    ends = certificates.Ending("gateway", _NOW + timedelta(days=2, hours=23))
    assert certificates.document((ends,), _NOW)[0] == {
        "name": "gateway",
        "ends": "2030-01-03T23:00:00+00:00",
        "days_left": 2,
    }
    assert ends.days(_NOW + timedelta(days=3)) == -1
