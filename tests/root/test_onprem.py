"""Bare hosts over SSH, by the command that people use: what keeps them from being nodes is said before any change."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from infra.hosts import bare_facts
from tests.servers.bare_hosts import Yard, open_yard

pytestmark = pytest.mark.timeout(1800)

OFF = ("isolation", "database", "storage", "tracking", "gateway", "control-plane")

SNAPSHOT = """
awk '{print "mount", $2}' /proc/mounts
for link in /sys/class/net/*; do echo "link ${link##*/}"; done
ip -4 route | sed 's/^/route /'
ip rule | sed 's/^/rule /'
find /sys/fs/cgroup -type d | sed 's/^/group /'
find / -xdev -path /proc -prune -o -path /sys -prune -o -path /usr -prune -o -path /dev -prune -o -path /tmp -prune \
  -o ! -type d -print | sed 's/^/file /'
find /run ! -type d | sed 's/^/file /'
for folder in /proc/[0-9]*; do
  case "$(readlink "$folder/exe")" in
    */sshd|*/dash|*/bash|*/find|*/python3*|*/timeout|*/sed|*/sort|"") ;;
    *) echo "process $(tr '\\0' ' ' < "$folder/cmdline")" ;;
  esac
done
"""


class Site:
    """The yard, and the installation that an administrator makes there."""

    def __init__(self, yard: Yard, folder: Path) -> None:
        self.yard, self.folder = yard, folder
        self.hosts: dict[str, str] = {}
        self._before: dict[str, set[str]] = {}

    def buy(self, name: str) -> None:
        self.yard.buy(name, f"10.250.0.1{name[1:]}")
        self.hosts[name] = "control-plane" if name == "n1" else "worker"
        self._before[name] = self.snapshot(name)

    def snapshot(self, name: str) -> set[str]:
        with self.yard.inside():
            said = self.yard.transport(name).run(["/bin/sh", "-c", SNAPSHOT], timeout=60).text
        return set(said.splitlines())

    def left(self, name: str) -> set[str]:
        """What is on a host that was not there when it was bought."""
        return self.snapshot(name) - self._before[name]

    def profile(self) -> Path:
        hosts = [
            {"name": name, "address": self.yard.hosts[name].address, "role": role} for name, role in self.hosts.items()
        ]
        document = {
            "name": self.yard.installation,
            "target": "onprem",
            "onprem": {
                "hosts": hosts,
                "upstream_dns": False,
                "public_url": "https://10.250.0.11:30443",
                "ssh": {"key_file": str(self.yard.key_file), "known_hosts": str(self.yard.known_hosts)},
            },
            "components": {name: {"enabled": False} for name in OFF},
            "first_tenant": None,
        }
        path = self.folder / "site.yaml"
        path.write_text(yaml.safe_dump(document), "utf-8")
        return path

    def platform(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The command, where the administrator sits."""
        argv = [sys.executable, "-m", "infra.cli.main", *arguments, "--profile", str(self.profile()), "--yes"]
        done = self.yard.run(argv, {"MLP_HOME": str(self.folder / "home")}, check=False, seconds=1200)
        assert not check or done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yard = open_yard(tmp_path)
    made = Site(yard, tmp_path)
    try:
        for name in ("n1", "n2", "n3"):
            made.buy(name)
        yield made
    finally:
        yard.close()


def test_hosts_that_cannot_be_nodes_are_named_before_anything_is_changed(site: Site) -> None:
    with site.yard.inside():
        site.yard.transport("n2").put("/var/lib/kubelet/config.yaml", b"foreign")
        found = bare_facts.ask(site.yard.transport("n1"))
    assert not bare_facts.judge(found, "control-plane", "10.250.0.11", found.one["machine"], "any")
    site.yard.switch_off("n3")
    done = site.platform("up", check=False)
    assert done.returncode != 0
    assert "n2: /var/lib/kubelet is not empty" in done.stderr + done.stdout
    assert "n3: SSH to root@10.250.0.13:22 failed" in done.stderr + done.stdout
    assert site.left("n1") == set()
