from __future__ import annotations

from pathlib import Path

import pytest

from infra.supply import host_apt
from infra.supply.debian import apt_configuration
from infra.supply.errors import BuildFailed

TARGETS = [
    "http://deb.example.com/debian/|bookworm|main",
    "http://deb.example.com/debian/|bookworm|contrib",
    "http://deb.example.com/debian/|bookworm-updates|main",
    "http://deb.example.com/debian/|bookworm-backports|main",
    "http://security.example.com/debian-security/|bookworm-security|main",
    "http://tools.example.com/apt/|stable|main",
]
BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_CODENAME=bookworm\n'


def test_the_machines_own_mirrors_serve_the_images_release() -> None:
    assert host_apt.translate(TARGETS, "bookworm", "trixie", "/keys.gpg") == [
        "deb [signed-by=/keys.gpg] http://deb.example.com/debian/ trixie main",
        "deb [signed-by=/keys.gpg] http://deb.example.com/debian/ trixie-updates main",
        "deb [signed-by=/keys.gpg] http://security.example.com/debian-security/ trixie-security main",
    ]


def test_sources_of_other_vendors_are_no_mirrors() -> None:
    assert host_apt.translate([TARGETS[-1]], "bookworm", "trixie", None) == []


def test_only_debian_has_a_release_whose_mirrors_can_be_used() -> None:
    assert host_apt.host_release(BOOKWORM) == "bookworm"
    assert host_apt.host_release('ID=ubuntu\nVERSION_CODENAME="noble"\n') == ""


def test_a_mirror_named_by_the_environment_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(host_apt.MIRROR_VARIABLE, "http://mirror.example.com/debian")
    (line,) = host_apt.source_lines("trixie")
    assert line.endswith(" http://mirror.example.com/debian trixie main")


def test_without_any_mirror_the_message_names_the_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(host_apt.MIRROR_VARIABLE, raising=False)
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(BuildFailed, match=host_apt.MIRROR_VARIABLE):
        host_apt.source_lines("trixie")


def test_reaching_a_registry_is_taken_over_and_weaker_checks_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dump = tmp_path / "apt-config"
    lines = [
        'Acquire::http::Proxy "http://proxy.example.com:3128";',
        'Acquire::https::CAInfo "/etc/company.pem";',
        'Acquire::Retries "3";',
        'Acquire::AllowInsecureRepositories "1";',
        'Acquire::http "";',
        'APT::Get::AllowUnauthenticated "1";',
        'DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";',
    ]
    dump.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(lines) + "\nEND\n")
    dump.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert host_apt.reach_settings().splitlines() == [
        *lines[:3],
        'Dir::Etc::netrc "/etc/apt/auth.conf";',
        'Dir::Etc::netrcparts "/etc/apt/auth.conf.d";',
    ]


def test_apt_works_on_the_root_and_reads_nothing_else_of_the_machine() -> None:
    lines = apt_configuration(Path("/srv"), Path("/srv/root")).splitlines()
    assert {'Dir "/srv/root";', 'DPkg::Chroot-Directory "/srv/root";', 'Dir::Etc::parts "/srv/empty";'} <= set(lines)
    assert 'APT::Update::Error-Mode "any";' in lines
