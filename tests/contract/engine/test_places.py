"""State in a shared folder and in a bucket: first use, sealing, and two people at once."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from infra.engine.errors import PassphraseWrong, StackLocked
from infra.engine.folder import StateUnreachable
from tests.clouds_support.harness import STACK
from tests.clouds_support.small import COMMAND, Pair, cloud_at, state_at
from tests.clouds_support.store import Fault
from tests.contract.engine.conftest import Run
from tests.servers.storage import REGION

pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore:.*has been deprecated:DeprecationWarning")]


def test_two_machines_share_a_state(tmp_path: Path, state: str) -> None:
    one, two = cloud_at(tmp_path / "one", state), cloud_at(tmp_path / "two", state)
    assert one.up(Pair()).counts == {"create": 2}
    assert two.engine.exists(STACK)
    assert two.engine.outputs(STACK)["secret"].value == "canary-output"

    folder = state_at(state)
    assert folder is not None
    kept = "\n".join(folder.read(name) or "" for name in folder.names(".pulumi/"))
    assert "mlp-driver-artifacts" in kept
    assert "canary" not in kept

    stranger = cloud_at(tmp_path / "three", state)
    stranger.engine._project._passphrase = lambda: "another"
    with pytest.raises(PassphraseWrong):
        stranger.engine.outputs(STACK)
    two.engine.destroy(STACK, remove=True)
    assert not one.engine.exists(STACK)


def test_the_second_is_told_who_works_and_since_when(
    tmp_path: Path, state: str, start: Callable[[Path, str], Run]
) -> None:
    first = cloud_at(tmp_path / "one", state)
    first.store.show(Fault("create", kind="ec2/vpc", seconds=60))
    run = start(tmp_path / "one", state)
    run.wait_for("network")

    with pytest.raises(StackLocked) as refused:
        cloud_at(tmp_path / "two", state, command="platform down").up(Pair())

    me = re.escape(f"{getpass.getuser()}@{socket.gethostname()}")
    process = run.pulumi()
    since = r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.search(rf"being changed by {me}: `{COMMAND}` \(process {process}, {since}\)", str(refused.value))
    assert "platform repair" in refused.value.remedy
    folder = state_at(state)
    assert folder is not None
    assert len(folder.names(f".mlp/commands/{STACK}/")) == 1


def test_a_bucket_is_made_at_first_use_with_versions(tmp_path: Path, bucket: str) -> None:
    folder = state_at(bucket)
    assert folder is not None
    assert folder.ensure()
    assert not folder.ensure()
    folder.write(".mlp/a", "one")
    folder.write(".mlp/a", "two")
    assert folder.read(".mlp/a") == "two"
    assert folder.read(".mlp/b") is None
    assert folder.names(".mlp/") == (".mlp/a",)
    folder.delete(".mlp/a")
    folder.delete(".mlp/a")
    assert folder.names(".mlp/") == ()
    endpoint = re.search(r"endpoint=([^&]+)", bucket)
    assert endpoint
    client = boto3.Session().client("s3", endpoint_url=endpoint[1], region_name=REGION)
    versions = client.list_object_versions(Bucket="mlp-state", Prefix=".mlp/a")
    assert len(versions["Versions"]) == 2


def test_a_bucket_without_versions_or_rights_is_refused(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = state_at(bucket)
    assert folder is not None
    endpoint = re.search(r"endpoint=([^&]+)", bucket)
    assert endpoint
    client = boto3.Session().client("s3", endpoint_url=endpoint[1], region_name=REGION)
    client.create_bucket(Bucket="mlp-state")
    with pytest.raises(StateUnreachable, match="keeps no old versions") as refused:
        folder.ensure()
    assert "put-bucket-versioning" in refused.value.remedy
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-wrong")
    stranger = state_at(bucket)
    assert stranger is not None
    with pytest.raises(StateUnreachable) as denied:
        stranger.ensure()
    assert "canary" not in str(denied.value)
