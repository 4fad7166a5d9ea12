"""Three control planes on three hosts: one is killed, one loses its disk, one is replaced, and the cluster goes on.

The tests share the hosts, since making such a cluster takes more than a minute; each begins with all three well.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from infra.hosts import certificates, cgroups, etcd, lifecycle, staticpods
from infra.lifecycle import certificates as installed
from tests.root.conftest import wait_for
from tests.root.planes import DOOR, STACK, Bed, address

pytestmark = pytest.mark.timeout(900)
"""Three API servers share two cores."""

NAMES = ("plane1", "plane2", "plane3")
MOVE_SECONDS = 10.0
"""How long the API may be away when the host with its address dies."""
_SERVED = "pki/apiserver.crt"
_WORKLOAD = "workload"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    made = Bed(tmp_path_factory.mktemp("planes"))
    yield made
    made.remove()


@pytest.fixture
def bed(hosts: Bed) -> Bed:
    """Three control planes, a workload on each and a secret, whatever the test before did."""
    hosts.names = NAMES
    hosts.up()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "kept"}, "stringData": {"value": "kept"}}
    hosts.kubectl("apply", "-f", "-", stdin=secret)
    hosts.kubectl("apply", "-f", "-", stdin=_workload(hosts))
    wait_for(lambda: set(_running(hosts)) == set(NAMES), 180)
    return hosts


def _workload(bed: Bed) -> dict[str, Any]:
    """A pod on every host, on the host's network: this cluster has no other."""
    pod = {
        "hostNetwork": True,
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "wait", "image": bed.images["pause"].reference}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": _WORKLOAD, "namespace": "kube-system"},
        "spec": {
            "selector": {"matchLabels": {"app": _WORKLOAD}},
            "template": {"metadata": {"labels": {"app": _WORKLOAD}}, "spec": pod},
        },
    }


def _running(bed: Bed) -> dict[str, str]:
    """Host → uid of the workload's ready pod there."""
    listed = bed.kubectl("get", "pods", "-n", "kube-system", f"-l=app={_WORKLOAD}", "-o", "json", check=False)
    return {
        pod["spec"]["nodeName"]: pod["metadata"]["uid"]
        for pod in json.loads(listed or '{"items": []}')["items"]
        if any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))
    }


def _members(bed: Bed) -> list[str]:
    found = etcd.members(bed.transport(bed.names[-1]))
    assert not any(member.learner for member in found)
    return sorted(member.name for member in found)


def _kept(bed: Bed) -> str:
    """A secret's value, which is encrypted with a key that all API servers must have."""
    return bed.kubectl("get", "secret", "kept", "-o", "jsonpath={.data.value}")


def test_three_control_planes_share_one_address_and_nothing_more_is_to_do(bed: Bed) -> None:
    assert _members(bed) == sorted(NAMES)
    assert len(bed.holders()) == 1
    assert not bed.up().changed


def test_every_api_server_reads_what_any_of_them_encrypted(bed: Bed) -> None:
    for name in bed.names:
        server = f"--server=https://{address(name)}:6443"
        said = bed.transport(name).run(["kubectl", server, "get", "secret", "kept", "-o", "jsonpath={.data.value}"])
        assert said.text == "a2VwdA=="


def test_no_authority_and_no_key_is_readable_by_others_on_any_host(bed: Bed) -> None:
    for name in bed.names:
        found = bed.transport(name).run(
            ["find", "/etc/kubernetes", "-perm", "/077", "(", "-name", "*.key", "-o", "-name", "*.conf", ")"]
        )
        assert {line for line in found.text.splitlines() if not line.endswith("keepalived.conf")} == set()


def test_the_address_moves_in_time_when_its_host_dies_and_the_host_comes_back(bed: Bed) -> None:
    holder = bed.holders()[0]
    before = _running(bed)
    began = time.monotonic()
    bed.kill(holder)
    while not bed.answers():
        assert time.monotonic() - began < MOVE_SECONDS
    assert bed.holders() not in ([], [holder])
    assert _kept(bed) == "a2VwdA=="
    assert bed.up().counts["update"] >= 1
    assert _members(bed) == sorted(NAMES)
    wait_for(lambda: set(_running(bed)) == set(NAMES), 120)
    others = set(bed.names) - {holder}
    assert {name: uid for name, uid in _running(bed).items() if name in others} == {
        name: before[name] for name in others
    }


def test_the_address_leaves_a_host_whose_api_server_ends(bed: Bed) -> None:
    holder = bed.holders()[0]
    path = staticpods.path_of("kube-apiserver")
    manifest = bed.transport(holder).get(path)
    assert manifest is not None
    bed.transport(holder).run(["rm", path])
    wait_for(lambda: bed.holders() not in ([], [holder]), 60)
    wait_for(bed.answers, MOVE_SECONDS)
    staticpods.replace_manifest(bed.transport(holder), "kube-apiserver", manifest)
    wait_for(lambda: not bed.engine.preview(STACK, bed.program).changed, 120)
    assert bed.holders() != [holder]


def test_one_without_its_data_begins_no_cluster_of_its_own(bed: Bed) -> None:
    number = {member.name: member.number for member in etcd.members(bed.transport("plane3"))}["plane1"]
    bed.kill("plane1")
    wait_for(lambda: lifecycle.current(bed.layout("plane1")) is None)
    shutil.rmtree(bed.layout("plane1").inside("/var/lib/etcd"))
    bed.up()
    assert _members(bed) == sorted(NAMES)
    assert {member.name: member.number for member in etcd.members(bed.transport("plane1"))}["plane1"] != number
    assert _kept(bed) == "a2VwdA=="


def test_a_lost_host_is_replaced_by_another(bed: Bed) -> None:
    lost = bed.holders()[0]
    bed.lose(lost)
    stay = tuple(name for name in bed.names if name != lost)
    wait_for(bed.answers, 60)
    before = _running(bed)
    bed.names = (*stay, "plane4")
    bed.up()
    assert _members(bed) == sorted(bed.names)
    assert _kept(bed) == "a2VwdA=="
    wait_for(lambda: set(_running(bed)) == set(bed.names), 180)
    after = _running(bed)
    assert {name: after[name] for name in stay} == {name: before[name] for name in stay}
    assert not bed.up().changed


def test_certificates_are_renewed_while_the_api_goes_on(bed: Bed) -> None:
    name = bed.names[0]
    transport = bed.transport(name)
    before = certificates.ends(transport)
    assert not certificates.due(transport, certificates.RENEW_DAYS)
    assert certificates.due(transport, 366)
    old = bed.kubeconfig
    # Begun and interrupted: `up` goes on with it, and gives the administrator the new certificate.
    transport.put(certificates.BEGUN, b"trial")
    assert bed.up().counts["update"] >= 1
    after = certificates.ends(transport)
    assert set(after) == set(before)
    assert all(after[file] > before[file] for file in before)
    assert bed.kubeconfig != old
    assert installed.administrator(bed.kubeconfig) == after["admin.conf"]
    assert installed.served("127.0.0.1", bed.port) in {
        certificates.ends(bed.transport(each))[_SERVED] for each in NAMES
    }
    assert bed.answers()
    assert transport.get(certificates.BEGUN) is None
    assert not bed.up().changed


def test_control_planes_leave_in_order_and_the_last_one_leaves_nothing(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    bed.names = NAMES[:1]
    bed.up()
    assert _members(bed) == list(bed.names)
    assert bed.holders() == list(bed.names)
    assert _kept(bed) == "a2VwdA=="
    assert bed.kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}") == bed.names[0]

    monkeypatch.setenv("MLP_TEARDOWN", "all")
    bed.engine.destroy(STACK)
    assert list((bed.folder / "hosts").glob("*")) == []
    for name in (*NAMES, DOOR):
        assert not list(cgroups.existing(f"mlp-{bed.installation}-{name}"))
