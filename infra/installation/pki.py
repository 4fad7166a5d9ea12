"""The local certificate authority and the certificates of servers: made once, renewed before they end."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from components.contract import ServerCertificate
from infra.installation.home import Home, write_private

CA_DAYS = 3650
LEAF_DAYS = 397
"""Browsers refuse leaf certificates that are valid for longer than 398 days."""
RENEW_DAYS = 60


def gateway_certificate(home: Home, names: tuple[str, ...], now: datetime | None = None) -> ServerCertificate:
    """The gateway's certificate for these DNS names and addresses; see `server_certificate`."""
    return server_certificate(home, "gateway", names, now)


def server_certificate(
    home: Home, server: str, names: tuple[str, ...], now: datetime | None = None
) -> ServerCertificate:
    """A server's certificate for these DNS names and addresses, from files in the home or made now. `certificate` holds
    the leaf only.

    Made again when the names changed or fewer than RENEW_DAYS are left. The authority stays until then.
    """
    now = now or datetime.now(UTC)
    ca_certificate, ca_key = _authority(home, now)
    leaf_path, key_path = home.pki / f"{server}.crt", home.pki / f"{server}.key"
    if not _usable(leaf_path, names, ca_certificate, now):
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _leaf(names, key, ca_certificate, ca_key, now)
        write_private(key_path, _key_pem(key))
        write_private(leaf_path, leaf.public_bytes(serialization.Encoding.PEM))
    return ServerCertificate(
        ca=ca_certificate.public_bytes(serialization.Encoding.PEM).decode(),
        certificate=leaf_path.read_text("ascii"),
        key=key_path.read_text("ascii"),
    )


def _authority(home: Home, now: datetime) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate_path, key_path = home.pki / "ca.crt", home.pki / "ca.key"
    if certificate_path.exists() and key_path.exists():
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        if isinstance(key, ec.EllipticCurvePrivateKey) and certificate.not_valid_after_utc - now > timedelta(
            days=LEAF_DAYS
        ):
            return certificate, key
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"mlp local CA ({home.name})")])
    certificate = (
        _builder(subject, subject, key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_private(key_path, _key_pem(key))
    write_private(certificate_path, certificate.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _leaf(
    names: tuple[str, ...],
    key: ec.EllipticCurvePrivateKey,
    ca_certificate: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _builder(subject, ca_certificate.subject, key.public_key(), now, LEAF_DAYS)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(authority_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usable(path: Path, names: tuple[str, ...], ca_certificate: x509.Certificate, now: datetime) -> bool:
    if not path.exists() or not path.with_suffix(".key").exists():
        return False
    leaf = x509.load_pem_x509_certificate(path.read_bytes())
    try:
        leaf.verify_directly_issued_by(ca_certificate)
        present = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    wanted = {_general_name(name) for name in names}
    return set(present) == wanted and leaf.not_valid_after_utc - now > timedelta(days=RENEW_DAYS)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
