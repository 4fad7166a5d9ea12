"""What the SSH client is told, and what its words mean."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from infra.hosts.errors import HostFailed
from infra.hosts.ssh import ConnectionRefused, SshTarget, Unreachable, client_argv, failure, remote_command, trust

TARGET = SshTarget("192.0.2.11", port=2222, user="ops", key_file="/keys/id", known_hosts="/keys/known")


def options(argv: list[str]) -> dict[str, str]:
    pairs = [argv[index + 1] for index, word in enumerate(argv) if word == "-o"]
    return dict(pair.split("=", 1) for pair in pairs)


def test_nothing_that_a_person_configured_weakens_the_check_of_host_keys() -> None:
    argv = client_argv(TARGET, Path("/tmp/s"), Path("/tmp/l"))
    told = options(argv)
    assert told["StrictHostKeyChecking"] == "yes"
    assert told["BatchMode"] == "yes"
    assert told["ForwardAgent"] == "no"
    assert told["UserKnownHostsFile"] == "/keys/known"
    assert told["GlobalKnownHostsFile"] == "/dev/null"
    assert argv[-6:] == ["-p", "2222", "-l", "ops", "--", "192.0.2.11"]
    assert argv[argv.index("-i") + 1] == "/keys/id"


def test_an_agent_is_used_where_no_key_is_named() -> None:
    assert "-i" not in client_argv(SshTarget("192.0.2.11"), Path("/tmp/s"), Path("/tmp/l"))


def test_a_command_survives_the_hosts_shell_word_by_word() -> None:
    words = ["printf", "%s", "a b", "$(id)", "'", ""]
    assert shlex.split(remote_command(SshTarget("h"), words, 5))[-len(words) :] == words


def test_only_others_than_root_use_sudo() -> None:
    assert remote_command(TARGET, ["true"], 5).startswith("sudo -n -- /bin/sh -c ")
    assert remote_command(SshTarget("h"), ["true"], 5).startswith("/bin/sh -c ")


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            "@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed.",
            ConnectionRefused,
            r"ssh-keygen -f /keys/known -R '\[192.0.2.11\]:2222'",
        ),
        (
            "No ED25519 host key is known for [192.0.2.11]:2222 and you have requested strict checking.\n"
            "Host key verification failed.",
            ConnectionRefused,
            r"ssh-keyscan -p 2222 192.0.2.11",
        ),
        ("ops@192.0.2.11: Permission denied (publickey).", ConnectionRefused, r"let ops in with key /keys/id"),
        ("ssh: connect to host 192.0.2.11 port 2222: Connection refused", Unreachable, r"sshd running"),
        ("kex_exchange_identification: Connection closed by remote host", Unreachable, r"nothing answers"),
        ("ssh: Could not resolve hostname 192.0.2.11: Name or service not known", ConnectionRefused, r"not known here"),
        ("client_loop: send disconnect: Broken pipe", HostFailed, r"broke: .*Broken pipe"),
    ],
)
def test_each_failure_says_what_to_do(said: str, kind: type[HostFailed], words: str) -> None:
    found = failure(TARGET, said)
    assert type(found) is kind
    with pytest.raises(kind, match=words):
        raise found


def test_connections_are_shared_only_under_the_same_keys(tmp_path: Path) -> None:
    known, key = tmp_path / "known_hosts", tmp_path / "key"
    known.write_text("192.0.2.11 ssh-ed25519 AAAA\n", "utf-8")
    key.write_text("one", "utf-8")
    target = SshTarget("192.0.2.11", key_file=str(key), known_hosts=str(known))
    first = trust(target)
    assert trust(target) == first
    known.write_text("192.0.2.11 ssh-ed25519 BBBB\n", "utf-8")
    second = trust(target)
    key.write_text("another", "utf-8")
    assert len({first, second, trust(target), trust(SshTarget("192.0.2.11", known_hosts=str(known)))}) == 4
