"""Reading what apt plans and finding a tool's parts in what was unpacked."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.toolchain import debian
from infra.toolchain.debian import Package
from infra.toolchain.errors import DebianMissing
from infra.toolchain.versions import BY_NAME, DebianTool

SIMULATION = """NOTE: This is only a simulation!
Reading package lists...
The following NEW packages will be installed:
  iptables libip4tc2
Inst libip4tc2 (1.8.9-2 Debian:12.15/oldstable [amd64])
Inst libelf1 [0.187-1] (0.188-2.1 Debian:12.15/oldstable [amd64])
Inst conntrack (1:1.4.7-1+b2 Debian:12.15/oldstable [amd64])
Conf libip4tc2 (1.8.9-2 Debian:12.15/oldstable [amd64])
"""


def test_planned_packages_in_order() -> None:
    assert debian.planned(SIMULATION) == (
        Package("libip4tc2", "1.8.9-2"),
        Package("libelf1", "0.188-2.1"),
        Package("conntrack", "1:1.4.7-1+b2"),
    )
    assert debian.planned("") == ()


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ('NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n', "debian 12"),
        ("ID=debian\n", "debian"),
        ("", ""),
    ],
)
def test_release(text: str, release: str) -> None:
    assert debian.release(text) == release


def test_another_release_or_entry_is_another_key() -> None:
    socat, ipset = BY_NAME["socat"], BY_NAME["ipset"]
    assert isinstance(socat, DebianTool)
    assert isinstance(ipset, DebianTool)

    keys = {debian.key(socat, "debian 12"), debian.key(socat, "debian 13"), debian.key(ipset, "debian 12")}

    assert len(keys) == 3


def test_folders_for_the_environment(tmp_path: Path) -> None:
    for file in (
        "usr/lib/x86_64-linux-gnu/libmnl.so.0",
        "usr/lib/x86_64-linux-gnu/xtables/libxt_set.so",
        "lib/x86_64-linux-gnu/README",
        "usr/share/perl/5.36.0/strict.pm",
        "usr/lib/x86_64-linux-gnu/perl/5.36.0/Config.pm",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    (tmp_path / "usr/share/perl/5.36").symlink_to("5.36.0")
    (tmp_path / "usr/lib/x86_64-linux-gnu/perl/5.36").symlink_to("5.36.0")

    assert debian.env_folders(tmp_path) == {
        "LD_LIBRARY_PATH": ("usr/lib/x86_64-linux-gnu",),
        "PERL5LIB": ("usr/share/perl/5.36", "usr/lib/x86_64-linux-gnu/perl/5.36"),
        "XTABLES_LIBDIR": ("usr/lib/x86_64-linux-gnu/xtables",),
    }


def test_names_that_installation_scripts_would_make(tmp_path: Path) -> None:
    programs = tmp_path / "usr/sbin"
    programs.mkdir(parents=True)
    (programs / "xtables-nft-multi").write_text("program")
    (programs / "ip6tables").symlink_to("/etc/alternatives/ip6tables")
    (programs / "iptables-save").write_text("a real one")

    debian.link(tmp_path, [(name, "xtables-nft-multi") for name in ("iptables", "ip6tables", "iptables-save")])

    assert debian.executable(tmp_path, "iptables") == programs / "iptables"
    assert (programs / "iptables").read_text() == (programs / "ip6tables").read_text() == "program"
    assert (programs / "iptables-save").read_text() == "a real one"
    assert debian.executable(tmp_path, "nft") is None


def test_without_debians_clients(tmp_path: Path) -> None:
    with pytest.raises(DebianMissing, match=r"no apt-get and no dpkg-deb on PATH.*Use a Debian"):
        debian.clients(str(tmp_path))
