"""Which requests for serving certificates are approved."""

from __future__ import annotations

import base64
import ipaddress
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.hosts.serving import SIGNER, objection, pending

_KEY = ec.generate_private_key(ec.SECP256R1())


def _request(
    names: tuple[x509.GeneralName, ...] = (
        x509.DNSName("node2"),
        x509.IPAddress(ipaddress.ip_address("10.250.0.2")),
    ),
    subject: str = "system:node:node2",
    **spec: Any,
) -> dict[str, Any]:
    attributes = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "system:nodes"),
        x509.NameAttribute(NameOID.COMMON_NAME, subject),
    ]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(attributes))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    pem = builder.sign(_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return {
        "metadata": {"name": "csr-x"},
        "spec": {
            "signerName": SIGNER,
            "username": "system:node:node2",
            "groups": ["system:nodes", "system:authenticated"],
            "usages": ["digital signature", "server auth"],
            "request": base64.b64encode(pem).decode(),
            **spec,
        },
    }


def test_a_node_may_name_itself_and_its_address() -> None:
    assert objection(_request(), "node2", "10.250.0.2") is None
    rsa = ["digital signature", "key encipherment", "server auth"]
    assert objection(_request(usages=rsa), "node2", "10.250.0.2") is None


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (_request((x509.DNSName("node1"),)), "names other than"),
        (_request((x509.IPAddress(ipaddress.ip_address("10.250.0.1")),)), "names other than"),
        (_request((x509.DNSName("node2"), x509.UniformResourceIdentifier("https://x"))), "names other than"),
        (_request(()), "cannot be read"),
        (_request(request=base64.b64encode(b"x").decode()), "cannot be read"),
        (_request(subject="system:node:node1"), "its subject is"),
        (_request(usages=["digital signature", "client auth"]), "usages"),
        (_request(groups=["system:authenticated"]), "not made by a node"),
    ],
)
def test_anything_else_stays_pending(request_: dict[str, Any], words: str) -> None:
    assert words in str(objection(request_, "node2", "10.250.0.2"))


def test_only_undecided_requests_of_the_node_itself_are_looked_at() -> None:
    mine = _request()
    others = [
        _request(username="system:node:node1"),
        _request(signerName="kubernetes.io/kube-apiserver-client-kubelet"),
        {**_request(), "status": {"conditions": [{"type": "Approved"}]}},
    ]
    assert pending({"items": [*others, mine]}, "node2") == [mine]
    assert pending({}, "node2") == []
