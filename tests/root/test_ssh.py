"""The SSH transport against real sshds on hosts of the run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.hosts.errors import CommandFailed, DeadlinePassed
from infra.hosts.ssh import ConnectionRefused, SshTarget, SshTransport, Unreachable
from tests.servers.bare_hosts import Yard, new_key, open_yard


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    made = open_yard(tmp_path_factory.mktemp("yard"))
    try:
        made.buy("alpha", "10.250.0.11")
        with made.inside():
            yield made
    finally:
        made.close()


def test_commands_run_with_the_hosts_own_environment(yard: Yard) -> None:
    transport = yard.transport("alpha")
    assert transport.run(["hostname"]).text == "alpha\n"
    assert transport.run(["printf", "%s|", "a b", "", "$HOME", "'"]).text == "a b||$HOME|'|"
    said = transport.run(["env"]).text.splitlines()
    assert "KUBECONFIG=/etc/kubernetes/admin.conf" in said
    assert any(line.startswith("PATH=/opt/mlp/bin:") for line in said)
    failed = transport.run(["sh", "-c", "echo words >&2; exit 255"], check=False)
    assert (failed.code, failed.errors) == (255, "words\n")
    with pytest.raises(CommandFailed, match="ended with code 3: words"):
        transport.run(["sh", "-c", "echo words >&2; exit 3"])


def test_files_and_streams_arrive_whole(yard: Yard) -> None:
    transport = yard.transport("alpha")
    transport.put("/etc/test/file", b"\0binary\n", 0o640)
    assert transport.get("/etc/test/file") == b"\0binary\n"
    assert transport.get("/etc/test/none") is None
    assert transport.run(["stat", "-c", "%a", "/etc/test/file"]).text == "640\n"
    with tempfile.TemporaryFile() as stream:
        stream.truncate(64 << 20)
        assert transport.run(["wc", "-c"], stdin=stream).text == f"{64 << 20}\n"


def test_a_command_that_takes_too_long_is_ended_on_the_host(yard: Yard) -> None:
    transport = yard.transport("alpha")
    began = time.monotonic()
    with pytest.raises(DeadlinePassed, match="sleep on alpha took longer than 1 s"):
        transport.run(["sleep", "4242"], timeout=1)
    assert time.monotonic() - began < 8
    assert transport.run(["pgrep", "-f", "^sleep 4242"], check=False).text == ""


def test_nothing_is_trusted_on_first_use_and_a_changed_key_is_refused(yard: Yard, tmp_path: Path) -> None:
    empty, wrong = tmp_path / "empty", tmp_path / "wrong"
    empty.touch()
    wrong.write_text(f"10.250.0.11 {new_key()[1]}\n", "utf-8")
    for known, words in ((empty, "not known, and nothing is trusted on first use"), (wrong, "host key is not the one")):
        target = SshTarget("10.250.0.11", key_file=str(yard.key_file), known_hosts=str(known))
        with pytest.raises(ConnectionRefused, match=words):
            SshTransport("alpha", target).run(["true"])
        assert known.read_text("utf-8").count("\n") <= 1


def test_a_key_that_is_not_authorized_names_the_remedy(yard: Yard, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch(0o600)
    key.write_text(new_key()[0], "utf-8")
    target = SshTarget("10.250.0.11", key_file=str(key), known_hosts=str(yard.known_hosts))
    with pytest.raises(ConnectionRefused, match=r"does not let root in with key .* authorized_keys"):
        SshTransport("alpha", target).run(["true"])


def test_a_host_that_is_off_is_tried_again_and_then_named(yard: Yard) -> None:
    pauses: list[float] = []
    target = SshTarget("10.250.0.99", key_file=str(yard.key_file), known_hosts=str(yard.known_hosts))
    with pytest.raises(Unreachable, match=r"SSH to root@10\.250\.0\.99:22 failed: nothing answers there"):
        SshTransport("beta", target, sleep=pauses.append).run(["true"])
    assert pauses == [1.0, 3.0]
