"""The installation's folder: its lock, its secrets, its certificates, its record."""

from __future__ import annotations

import multiprocessing
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from infra.installation.errors import Busy, NotInstalled
from infra.installation.home import Home, expanded, write_private
from infra.installation.pki import LEAF_DAYS, RENEW_DAYS, gateway_certificate
from infra.installation.record import Recorder, read_record
from infra.installation.secrets import SecretSource, open_secrets

NAMES = ("localhost", "127.0.0.1", "gateway.mlp-gateway.svc")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home("test", tmp_path)
    made.create()
    return made


def test_paths_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("TEAM", "blue")
    assert expanded("~/.kube/$TEAM") == Path("/home/ada/.kube/blue")


def test_a_second_command_is_told_who_holds_the_lock(home: Home) -> None:
    with home.locked("up --profile test"), pytest.raises(Busy) as caught, Home("test", home.path.parent).locked("down"):
        pass
    assert "`platform up --profile test`" in str(caught.value)
    assert f"process {os.getpid()}" in str(caught.value)


def _hold(root: Path, ready: multiprocessing.Queue[int]) -> None:
    with Home("test", root).locked("up"):
        ready.put(1)
        multiprocessing.Event().wait(60)


def test_the_lock_of_a_killed_process_is_free(home: Home) -> None:
    context = multiprocessing.get_context("fork")
    ready: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=_hold, args=(home.path.parent, ready))
    process.start()
    ready.get(timeout=10)
    process.kill()
    process.join()
    with home.locked("up"):
        pass


def test_only_the_owner_reads_private_files(home: Home) -> None:
    path = home.path / "x"
    write_private(path, "secret")
    assert path.stat().st_mode & 0o777 == 0o600
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in home.path.iterdir() if p.name.startswith(".")] == []


def test_an_absent_installation_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="platform up --profile nothing"):
        Home("nothing", tmp_path).require()


def test_secrets_are_stable_distinct_and_hidden(home: Home) -> None:
    source = open_secrets(home)
    assert source.get("a") == open_secrets(home).get("a") != source.get("b")
    assert len(source.get("a")) == 43
    assert source.get("a") not in repr(source)


def test_a_damaged_root_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"root\.key"):
        SecretSource(b"short")


def test_the_certificate_stays_until_it_must_change(home: Home) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    first = gateway_certificate(home, NAMES, now)
    assert gateway_certificate(home, NAMES, now + timedelta(days=LEAF_DAYS - RENEW_DAYS - 1)) == first
    renewed = gateway_certificate(home, NAMES, now + timedelta(days=LEAF_DAYS - RENEW_DAYS + 1))
    assert renewed.certificate != first.certificate
    assert renewed.ca == first.ca
    other = gateway_certificate(home, (*NAMES, "mlp.example"), now)
    assert other.certificate != first.certificate
    leaf = x509.load_pem_x509_certificate(other.certificate.encode())
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(other.ca.encode()))
    present = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert present.get_values_for_type(x509.DNSName) == ["localhost", "gateway.mlp-gateway.svc", "mlp.example"]


def test_the_record_keeps_states_and_times(home: Home) -> None:
    recorder = Recorder(home)
    recorder.start("cluster")
    assert read_record(home).steps["cluster"].state == "running"
    recorder.finish("cluster", "first line\nsecond")
    assert (read_record(home).steps["cluster"].state, read_record(home).steps["cluster"].error) == (
        "failed",
        "first line",
    )
    assert recorder.expected("cluster") is None
    recorder.start("cluster")
    recorder.finish("cluster")
    assert Recorder(home).expected("cluster") is not None
