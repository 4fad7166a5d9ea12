from __future__ import annotations

from pathlib import Path

import pytest

from infra.supply.debian import package_versions, python_version
from infra.supply.errors import BuildFailed
from infra.supply.scrub import scrub
from tests.unit.supply.fakes import make_tree, read_tree

STATUS = """\
Package: libpython3.13-minimal
Status: install ok installed
Version: 3.13.5-2+deb13u5
Description: Minimal subset
 Version: none of ours

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: kmod
Status: install ok installed
Version: 34.2-2
"""


def test_installed_packages_are_read_with_their_versions() -> None:
    assert package_versions(STATUS) == {"libpython3.13-minimal": "3.13.5-2+deb13u5", "kmod": "34.2-2"}


def test_the_bases_python_is_the_one_in_its_receipt() -> None:
    assert python_version([["kmod", "34"], ["libpython3.13-minimal", "3.13.5-2"]]) == "3.13.5-2"
    with pytest.raises(BuildFailed, match="0 Pythons"):
        python_version([["kmod", "34"]])


def test_a_root_keeps_nothing_of_the_machine_no_keys_and_no_dates(tmp_path: Path) -> None:
    root = make_tree(
        tmp_path,
        {
            "etc/apt/sources.list": "deb http://user:secret@mirror",
            "etc/hostname": "builder",
            "etc/resolv.conf": "nameserver 192.0.2.1",
            "etc/machine-id": "abc",
            "etc/passwd-": "old",
            "etc/passwd": "root:x:0:0::/root:/bin/sh",
            "etc/shadow": "root:*:20415:0:99999:7:::\npostgres:!:20415::::::\n",
            "etc/ssl/private/ssl-cert-snakeoil.key": "key",
            "etc/ssl/certs/ssl-cert-snakeoil.pem": "certificate",
            "etc/ssl/certs/0b1b94ef.0": "-> ssl-cert-snakeoil.pem",
            "etc/ssl/certs/good.pem": "-> /usr/share/ca-certificates/good.crt",
            "etc/ssl/certs/11111111.0": "-> good.pem",
            "var/log/nginx/error.log": "x",
            "var/cache/apt/archives/a.deb": "x",
            "var/lib/dpkg/status": "x",
            "var/lib/dpkg/status-old": "x",
            "run/lock/x": "x",
            "tmp/x": "x",
            "usr/sbin/policy-rc.d": "exit 101",
        },
    )
    scrub(root)
    left = {name: content for name, content in read_tree(root).items() if content is not None}
    assert left == {
        "etc/hostname": "",
        "etc/resolv.conf": "",
        "etc/passwd": "root:x:0:0::/root:/bin/sh",
        "etc/shadow": "root:*:20454:0:99999:7:::\npostgres:!:20454::::::\n",
        "etc/ssl/certs/good.pem": "-> /usr/share/ca-certificates/good.crt",
        "etc/ssl/certs/11111111.0": "-> good.pem",
        "var/lib/dpkg/status": "x",
    }
    assert (root / "var/log/nginx").is_dir()
    before = read_tree(root)
    scrub(root)
    assert read_tree(root) == before
