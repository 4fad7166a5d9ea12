"""State in Google's and Azure's storage: the real CLI and our own readers against servers that speak these APIs.

What holds for every place of state is the engine's own tests, run here in two more places.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.storage.blob import ContainerClient
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from infra.engine.folder import StateFolder, StateUnreachable
from tests.clouds_support.small import Pair, cloud_at, state_at
from tests.contract.engine.conftest import start
from tests.contract.engine.test_places import (
    test_the_second_is_told_who_works_and_since_when,
    test_two_machines_share_a_state,
)
from tests.contract.engine.test_repair import (
    test_a_dead_lock_of_this_machine_goes_and_that_of_another_only_by_name,
)
from tests.servers.azurite import ACCOUNT, Azurite
from tests.servers.cloud_storage import CloudStorage
from tests.servers.npm_packages import NpmMissing, node

__all__ = (
    "start",
    "test_a_dead_lock_of_this_machine_goes_and_that_of_another_only_by_name",
    "test_the_second_is_told_who_works_and_since_when",
    "test_two_machines_share_a_state",
)

pytestmark = [
    pytest.mark.contract,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:.*has been deprecated:DeprecationWarning"),
]

BUCKET = "mlp-state"


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudStorage]:
    server = CloudStorage().start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.host)
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "nobody")
    try:
        yield server
    finally:
        server.stop()


def _azurite(monkeypatch: pytest.MonkeyPatch, *, versions: bool) -> Azurite:
    try:
        node()
    except NpmMissing as missing:
        pytest.skip(f"Azurite: {missing}")
    server = Azurite(versions=versions).start()
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_KEY", server.key)
    return server


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Azurite]:
    server = _azurite(monkeypatch, versions=True)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(params=["gs", "azblob"])
def state(request: pytest.FixtureRequest) -> str:
    """URL of a bucket or container that is not there yet."""
    if request.param == "gs":
        request.getfixturevalue("google")
        return f"gs://{BUCKET}"
    return str(request.getfixturevalue("azure").url(BUCKET))


def folder(url: str) -> StateFolder:
    found = state_at(url)
    assert found is not None
    return found


def test_a_place_is_made_at_first_use_and_keeps_texts(state: str) -> None:
    there = folder(state)
    assert there.read(".mlp/a") is None
    assert there.names(".mlp/") == ()
    assert there.ensure()
    assert not folder(state).ensure()
    there.write(".mlp/a", "one")
    there.write(".mlp/a", "zwei ä")
    there.write(".other/b", "")
    assert there.read(".mlp/a") == "zwei ä"
    assert there.read(".mlp/b") is None
    assert [name for name in there.names(".mlp/") if name != ".mlp/first"] == [".mlp/a"]
    there.delete(".mlp/a")
    there.delete(".mlp/a")
    assert there.read(".mlp/a") is None


def test_several_installations_share_a_bucket_below_prefixes(tmp_path: Path, state: str) -> None:
    one, two = (state.replace(BUCKET, f"{BUCKET}/{name}", 1) for name in ("one", "two"))
    assert cloud_at(tmp_path / "one", one).up(Pair()).counts == {"create": 2}
    assert folder(one).names(".pulumi/stacks/")
    assert folder(two).names("") == ()
    assert not cloud_at(tmp_path / "two", two).engine.exists("cluster")


def test_googles_bucket_is_private_and_keeps_what_was_overwritten(google: CloudStorage) -> None:
    there = folder(f"gs://{BUCKET}")
    assert there.ensure()
    options = {"api_endpoint": f"http://{google.host}"}
    client = storage.Client(project="p", credentials=AnonymousCredentials(), client_options=options)
    bucket = client.get_bucket(BUCKET)
    assert bucket.versioning_enabled
    there.write("a", "one")
    first = bucket.get_blob("a").generation
    there.write("a", "two")
    assert bucket.get_blob("a").download_as_bytes() == b"two"
    assert bucket.blob("a", generation=first).download_as_bytes() == b"one"


def test_googles_bucket_without_versions_is_refused(google: CloudStorage) -> None:
    options = {"api_endpoint": f"http://{google.host}"}
    client = storage.Client(project="p", credentials=AnonymousCredentials(), client_options=options)
    client.create_bucket(BUCKET)
    with pytest.raises(StateUnreachable, match="keeps no old versions") as refused:
        folder(f"gs://{BUCKET}").ensure()
    assert refused.value.remedy == f"gcloud storage buckets update gs://{BUCKET} --versioning"


def test_azures_account_without_versions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    server = _azurite(monkeypatch, versions=False)
    try:
        with pytest.raises(StateUnreachable, match="keeps no old versions") as refused:
            folder(server.url(BUCKET)).ensure()
        assert refused.value.remedy.endswith(f"--account-name {ACCOUNT} --enable-versioning true")
    finally:
        server.stop()


def test_azures_container_is_private_and_a_wrong_key_is_told_without_it(
    azure: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder(azure.url(BUCKET)).ensure()
    where = f"http://{azure.domain}/{ACCOUNT}"
    client = ContainerClient(where, BUCKET, credential=AzureNamedKeyCredential(ACCOUNT, azure.key))
    assert client.get_container_properties().public_access is None
    wrong = "Y2FuYXJ5" * 8
    monkeypatch.setenv("AZURE_STORAGE_KEY", wrong)
    with pytest.raises(StateUnreachable, match="can't be used") as refused:
        folder(azure.url(BUCKET)).names("")
    assert wrong not in str(refused.value) + refused.value.remedy
