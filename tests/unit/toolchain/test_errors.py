"""What clients say when they fail, recorded, and what we make of it."""

from __future__ import annotations

import pytest

from infra.toolchain import errors
from infra.toolchain.errors import BuildFailed, DiskFull, PackageMissing, RegistryUnreachable
from infra.toolchain.versions import BY_NAME

SAMPLES = [
    (
        "verifying go.etcd.io/etcd@v3.6.16: checksum mismatch\n\tdownloaded: h1:a=\n\tgo.sum:     h1:b=\n\n"
        "SECURITY ERROR\nThis download does NOT match an earlier download recorded in go.sum.",
        errors.ChecksumMismatch,
    ),
    (
        'go: downloading example.com/m v1.8.0\nexample.com/m@v1.8.0: Get "http://mirror.example/m/@v/v1.8.0.zip": '
        "dial tcp 127.0.0.1:1: connect: connection refused",
        RegistryUnreachable,
    ),
    ("go: example.com/m@v0.10.0: module lookup disabled by GOPROXY=off", RegistryUnreachable),
    (
        'go: Get "https://mirror.example/m.info": tls: failed to verify certificate: x509: certificate signed by '
        "unknown authority",
        RegistryUnreachable,
    ),
    (
        "go: example.com/m@v0.99.0: reading https://mirror.example/m/@v/v0.99.0.info: 403 Forbidden\n"
        "\tserver response: This module version is not available.",
        PackageMissing,
    ),
    (
        "mlp.io/toolchain/pause: go build mlp.io/toolchain/pause: copying /tmp/go-build40/b001/exe/a.out to "
        "/tiny/pause: write /tiny/pause: no space left on device",
        DiskFull,
    ),
    ("Reading package lists...\nE: Unable to locate package nosuchpackage", PackageMissing),
    ("E: Version '9.9' for 'hostname' was not found", PackageMissing),
    (
        "E: Failed to fetch http://mirror.example/pool/h.deb  Could not connect to 127.0.0.1:1 (127.0.0.1). - connect "
        "(111: Connection refused)",
        RegistryUnreachable,
    ),
    ("E: Failed to fetch http://mirror.example/pool/h_1.deb  404  Not Found [IP: 127.0.0.1 80]", PackageMissing),
    ("./main.go:7:2: undefined: nothing", BuildFailed),
    ("signal: killed", BuildFailed),
]


@pytest.mark.parametrize(("said", "kind"), SAMPLES)
def test_each_recorded_failure_is_told_apart(said: str, kind: type[errors.ToolchainError]) -> None:
    error = errors.translate("etcd", "go build", said, "0.0 GiB")

    assert type(error) is kind
    assert said.splitlines()[-1].strip() in str(error)
    assert str(error).startswith("etcd: ")
    assert error.remedy
    assert str(error).endswith(error.remedy)


def test_passwords_of_proxies_are_not_repeated() -> None:
    said = 'Get "http://someone:s3cret@proxy.example/x": dial tcp: no such host'

    text = str(errors.translate("etcd", "go build", said, "9 GiB"))

    assert "s3cret" not in text
    assert "someone" not in text
    assert "http://proxy.example/x" in text


def test_only_the_last_lines_are_repeated() -> None:
    said = "\n".join(f"line {number}" for number in range(100))

    assert "line 99" in errors.tail(said)
    assert "line 87" not in errors.tail(said)
    assert errors.tail("go: downloading a v1\nwhy") == "  why"


def test_messages_that_are_made_of_a_tool() -> None:
    assert "Known: pause, etcd" in str(errors.unknown("nope", tuple(BY_NAME)))
    assert str(errors.wrong_version(BY_NAME["etcd"], "etcd Version: 3.4.23")).startswith(
        "etcd: made at version 3.6.16, but it says 'etcd Version: 3.4.23'"
    )
    assert "says 'nothing'" in str(errors.wrong_version(BY_NAME["etcd"], ""))
