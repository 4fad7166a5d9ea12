"""A cluster on bare hosts over SSH, by the command that people use: made, healed after a loss, changed, removed.

Only the pod network and volumes are installed on it, so that it stays small. The images are built before, because the
place where the administrator sits reaches nothing but the hosts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.catalog import CATALOG
from infra.hosts import bare_facts
from infra.lifecycle import supplies
from infra.lifecycle.facts import chosen_components
from infra.profile.load import load
from tests.root.conftest import wait_for
from tests.servers.bare_hosts import ADMIN_ADDRESS, Yard, open_yard
from tests.servers.binaries import find

pytestmark = pytest.mark.timeout(1800)

ON = ("network", "volumes")
OFF = tuple(component.name for component in CATALOG if component.name not in ON)

WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: spread, namespace: default}
spec:
  replicas: 3
  selector: {matchLabels: {app: spread}}
  template:
    metadata: {labels: {app: spread}}
    spec:
      terminationGracePeriodSeconds: 1
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: DoNotSchedule
          labelSelector: {matchLabels: {app: spread}}
      containers: [{name: pause, image: PAUSE}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kept, namespace: default}
data: {words: these stay}
"""

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
        self.virtual_address: str | None = None
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
                "virtual_address": self.virtual_address,
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

    def build(self) -> str:
        """Every image that the hosts will get; gives the reference of one that does nothing."""
        profile = load(str(self.profile()))
        images = supplies.wanted_images(profile, chosen_components(profile))
        supplies.get_tools(supplies.wanted_tools(profile, images), lambda _: None)
        return supplies.build_images(profile, images, lambda _: None)["pause"].reference

    def kubectl(self, *arguments: str) -> str:
        kubeconfig = self.folder / "home" / self.yard.installation / "kubeconfig"
        return self.yard.run([str(find("kubectl")), f"--kubeconfig={kubeconfig}", *arguments]).stdout

    def ready(self) -> set[str]:
        """Names of the nodes that are ready."""
        return {
            item["metadata"]["name"]
            for item in self._items("nodes")
            if any(each["type"] == "Ready" and each["status"] == "True" for each in item["status"]["conditions"])
        }

    def workload(self) -> list[str]:
        """Where the workload's pods are ready: names of nodes, sorted."""
        return sorted(
            item["spec"]["nodeName"]
            for item in self._items("pods", "--selector=app=spread", "--namespace=default")
            if "deletionTimestamp" not in item["metadata"]
            and any(
                each["type"] == "Ready" and each["status"] == "True" for each in item["status"].get("conditions", ())
            )
        )

    def kept(self) -> str:
        return self.kubectl("get", "configmap", "kept", "--namespace=default", "-o", "jsonpath={.data.words}")

    def _items(self, *what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", *what, "-o", "json"))["items"]
        return found


@contextmanager
def part(name: str) -> Iterator[None]:
    """Says how long a part of the story took; pytest shows it with -s or -rP."""
    began = time.monotonic()
    yield
    print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)  # noqa: T201 - a figure for the reader


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


def test_hosts_become_a_cluster_that_outlives_one_of_them_and_leave_no_trace(site: Site) -> None:
    with part("images and tools"):
        pause = site.build()
    with part("three hosts up"):
        site.platform("up", "--until", "components")
        wait_for(lambda: site.ready() == {"n1", "n2", "n3"}, 60)
    with part("a workload on every host"):
        objects = site.folder / "objects.yaml"
        objects.write_text(WORKLOAD.replace("PAUSE", pause), "utf-8")
        site.kubectl("apply", "-f", str(objects))
        wait_for(lambda: site.workload() == ["n1", "n2", "n3"], 60)

    with part("one lost for good, another in its place"):
        site.yard.throw_away("n3")
        del site.hosts["n3"]
        site.buy("n4")
        site.platform("up", "--until", "components")
        wait_for(lambda: site.ready() == {"n1", "n2", "n4"}, 60)
        wait_for(lambda: len(site.workload()) == 3, 60)
    assert set(site.workload()) <= {"n1", "n2", "n4"}
    assert site.kept() == "these stay"

    with part("one comes and one goes, both well"):
        del site.hosts["n2"]
        site.buy("n5")
        site.platform("up", "--until", "components")
        wait_for(lambda: site.ready() == {"n1", "n4", "n5"}, 60)
        wait_for(lambda: len(site.workload()) == 3, 60)
    assert set(site.workload()) <= {"n1", "n4", "n5"}
    assert site.kept() == "these stay"
    assert site.left("n2") == set()

    with part("down"):
        site.platform("down", "--delete-data")
    assert {name: site.left(name) for name in site.hosts} == {name: set() for name in site.hosts}


def test_hosts_that_cannot_be_nodes_are_named_before_anything_is_changed(site: Site) -> None:
    with site.yard.inside():
        site.yard.transport("n2").put("/var/lib/kubelet/config.yaml", b"foreign")
        found = bare_facts.ask(site.yard.transport("n1"))
    assert not bare_facts.judge(found, "control-plane", "10.250.0.11", found.one["machine"], "any")
    site.yard.switch_off("n3")
    site.virtual_address = ADMIN_ADDRESS
    done = site.platform("up", check=False)
    assert done.returncode != 0
    assert "n2: /var/lib/kubelet is not empty" in done.stderr + done.stdout
    assert "n3: SSH to root@10.250.0.13:22 failed" in done.stderr + done.stdout
    assert f"n1: another machine has the virtual address {ADMIN_ADDRESS}" in done.stderr + done.stdout
    assert site.left("n1") == set()
