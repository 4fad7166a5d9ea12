"""What is decided about control planes, and their configuration, without a host."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra.hosts import certificates, controlplane, etcd, kubeadm, planes, staticpods, virtual
from infra.hosts.errors import CommandFailed, HostError, HostFailed
from infra.hosts.planes import Plane, Standing
from infra.hosts.transport import Completed, Input
from infra.hosts.virtual import VirtualAddress
from tests.unit.hosts.test_kubeadm import CLUSTER, NODE

_HA = dataclasses.replace(CLUSTER, endpoint="10.250.0.100")
_VIRTUAL = VirtualAddress("10.250.0.100", "r/keepalived:1")


class Memory:
    """A host whose files are in memory; `said` answers commands by their first words, in order of the mapping."""

    def __init__(
        self, name: str, files: Mapping[str, bytes] | None = None, said: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.files, self.said = name, dict(files or {}), dict(said or {})
        self.ran: list[tuple[str, ...]] = []
        self.given: list[Input] = []

    @property
    def host(self) -> str:
        return self.name

    def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
        del timeout
        self.ran.append(tuple(argv))
        self.given.append(stdin)
        line = " ".join(argv)
        for part, answer in self.said.items():
            if part in line:
                return Completed(0, answer.encode(), "")
        if check:
            raise CommandFailed(argv, 1, "no such thing")
        return Completed(1, b"", "")

    def put(self, path: str, content: bytes, mode: int = 0o600) -> None:
        del mode
        self.files[path] = content

    def get(self, path: str) -> bytes | None:
        return self.files.get(path)


class Off(Memory):
    """A host that does not run."""

    def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
        del stdin, timeout, check
        raise HostFailed(f"no {argv[0]}")

    def get(self, path: str) -> bytes | None:
        raise HostFailed(f"no {path}")


def _mark(settings: kubeadm.ClusterSettings) -> dict[str, bytes]:
    return {controlplane.MARK: json.dumps({"fixed": controlplane.fixed(settings)}).encode()}


def test_only_a_cluster_with_a_virtual_address_is_found_at_it_and_gives_etcd_time() -> None:
    alone = kubeadm.cluster_configuration(CLUSTER, CLUSTER.endpoint or NODE.address)
    several = {document["kind"]: document for document in kubeadm.init_documents(_HA, NODE)}["ClusterConfiguration"]
    assert alone["controlPlaneEndpoint"] == "10.250.0.1:6443"
    assert several["controlPlaneEndpoint"] == "10.250.0.100:6443"
    timing = {item["name"]: int(item["value"]) for item in several["etcd"]["local"]["extraArgs"]}
    assert timing["election-timeout"] >= 10 * timing["heartbeat-interval"]
    assert "election-timeout" not in {item["name"] for item in alone["etcd"]["local"]["extraArgs"]}


def test_a_further_control_plane_joins_without_a_key_in_its_configuration() -> None:
    tainted = dataclasses.replace(NODE, tainted=True)
    made = kubeadm.control_plane_join_configuration(tainted, "/d.conf")
    assert made["controlPlane"] == {"localAPIEndpoint": {"advertiseAddress": "10.250.0.1", "bindPort": 6443}}
    assert made["discovery"] == {"file": {"kubeConfigPath": "/d.conf"}}
    assert [taint["key"] for taint in made["nodeRegistration"]["taints"]] == ["node-role.kubernetes.io/control-plane"]


def test_a_cluster_of_one_is_no_mismatch_with_what_older_installations_noted() -> None:
    old = Memory("node1", {controlplane.MARK: b'{"fixed": {"name": "mlp-trial"}}'})
    found = controlplane.made(old)
    assert found is not None
    assert controlplane.mismatch(found, CLUSTER) is None
    assert controlplane.mismatch(found, _HA) == "endpoint:  → 10.250.0.100"


def test_how_a_control_plane_stands() -> None:
    def stands(host: Memory) -> Standing:
        return planes.standing(Plane(host, "10.250.0.1"))

    assert stands(Off("node1")) == Standing.UNREACHABLE
    assert stands(Memory("node1")) == Standing.EMPTY
    assert stands(Memory("node1", _mark(_HA))) == Standing.UNREADY
    well = Memory("node1", _mark(_HA), {"--raw=/readyz": "ok"})
    assert stands(well) == Standing.READY
    assert "--server=https://10.250.0.1:6443" in well.ran[-1]


@pytest.mark.parametrize("other", [Off("node2"), Memory("node2", _mark(_HA))])
def test_no_second_cluster_is_begun_beside_one_that_may_be_there(other: Memory) -> None:
    own = Memory("node1", said={"": ""})
    with pytest.raises(HostError, match="A second cluster must not be begun") as caught:
        planes.establish(Plane(own, "10.250.0.1"), [Plane(other, "10.250.0.2")], planes.Wanted(_HA, NODE, _VIRTUAL))
    assert "node2" in str(caught.value)
    assert not [argv for argv in own.ran if "kubeadm" in argv]


def test_without_a_majority_nothing_is_made_anew_and_the_hosts_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planes, "MEMBER_SECONDS", -1.0)
    own = Memory("node1", _mark(_HA), {"pki/etcd/*.crt": ""})
    others = [Plane(Memory("node2", _mark(_HA)), "10.250.0.2"), Plane(Off("node3"), "10.250.0.3")]
    with pytest.raises(HostError, match=r"no majority .*node2 holds the cluster.*node3 cannot be asked"):
        planes.establish(Plane(own, "10.250.0.1"), others, planes.Wanted(_HA, NODE, _VIRTUAL))
    assert not [argv for argv in own.ran if "kubeadm" in argv]


def test_hosts_without_a_cluster_are_no_reason_against_beginning_one() -> None:
    assert planes.refusal([("node2", Standing.EMPTY), ("node3", Standing.EMPTY)]) is None
    assert planes.refusal([]) is None


def test_no_control_plane_leaves_while_the_others_do_not_answer() -> None:
    own, other = Memory("node1", _mark(_HA)), Memory("node2", _mark(_HA))
    with pytest.raises(HostError, match="cannot leave its cluster while no other answers: node2 holds"):
        planes.leave(Plane(own, "10.250.0.1"), [Plane(other, "10.250.0.2")], "10.250.0.100")
    assert not [argv for argv in own.ran if "reset" in argv]


_MEMBERS = {
    "members": [
        {"ID": "16914881897345358027", "name": "node1", "peerURLs": ["https://10.250.0.1:2380"]},
        {"ID": "2", "peerURLs": ["https://10.250.0.2:2380"], "isLearner": True},
    ]
}


def test_members_of_etcd_are_known_by_name_or_by_address() -> None:
    first, second = etcd.members_of(_MEMBERS)
    assert first == etcd.Member("16914881897345358027", "node1", ("10.250.0.1",), learner=False)
    assert second.learner
    assert etcd.same_host((first, second), "node2", "10.250.0.2") == (second,)
    assert etcd.same_host((first, second), "node1", "10.250.0.9") == (first,)
    assert etcd.same_host((first, second), "node3", "10.250.0.3") == ()


def test_etcd_is_asked_without_a_secret_in_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etcd, "ELECTION_SECONDS", -1.0)
    host = Memory("node1", said={"--raw=/v3/cluster/member/list": json.dumps(_MEMBERS)})
    assert len(etcd.members(host)) == 2
    assert host.given == [b'{"linearizable": true}']
    with pytest.raises(HostError, match="node2 does not answer cluster/member/list"):
        etcd.members(Memory("node2"))


def test_a_dead_member_is_forgotten_only_if_its_host_is_no_control_plane_any_more() -> None:
    alive = "--server=https://10.250.0.1:2379"
    via = Memory("node1", said={alive: "{}", "cluster/member/remove": "{}", "127.0.0.1:2379": json.dumps(_MEMBERS)})
    via.said = {"127.0.0.1:2379": json.dumps(_MEMBERS), alive: json.dumps(_MEMBERS)}
    asked = Plane(via, "10.250.0.1")
    with pytest.raises(HostError, match="that of control plane node2 does not answer"):
        planes._forget_the_dead([Plane(Off("node2"), "10.250.0.2")], asked)
    assert not [argv for argv in via.ran if "--raw=/v3/cluster/member/remove" in argv]
    for others in ([], [Plane(Memory("node2"), "10.250.0.2")]):
        via.given.clear()
        planes._forget_the_dead(others, asked)
        assert b'{"ID": "2"}' in via.given


def test_the_etcd_that_began_the_cluster_does_not_begin_another() -> None:
    path = staticpods.path_of("etcd")
    command = ["etcd", "--initial-cluster=node1=https://10.250.0.1:2380"]
    manifest = {"metadata": {"name": "etcd"}, "spec": {"containers": [{"command": command}]}}
    annotations = {staticpods.STAMP: "sealed"}
    pod = {
        "metadata": {"name": "etcd-node1", "annotations": annotations},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    said = {"move": "", "get pods -n kube-system -l=tier=control-plane": json.dumps({"items": [pod]})}
    host = Memory("node1", {path: yaml.safe_dump(manifest).encode()}, said)
    server = "https://10.250.0.1:6443"
    etcd.seal(host, server)
    prepared = [name for name in host.files if name != path]
    assert [name.startswith(staticpods.MANIFESTS) for name in prepared] == [False]
    sealed = yaml.safe_load(host.files[prepared[0]])["spec"]["containers"][0]["command"]
    assert sealed == [*command, "--initial-cluster-state=existing"]
    host.files = {path: host.files[prepared[0]]}
    etcd.seal(host, server)
    assert list(host.files) == [path]


def test_the_virtual_address_is_spoken_about_between_hosts_only() -> None:
    text = virtual.configuration(_VIRTUAL, "node1", "10.250.0.1", "eth0", ("10.250.0.2", "10.250.0.3"))
    lines = [line.strip() for line in text.splitlines()]
    assert text.count("{") == text.count("}")
    assert lines[lines.index("unicast_peer {") + 1 :][:3] == ["10.250.0.2", "10.250.0.3", "}"]
    assert "virtual_router_id 100" in lines
    assert "10.250.0.100/32 dev eth0" in lines
    assert 'script "/usr/local/bin/check-api 10.250.0.1 6443"' in lines
    assert "unicast_peer {" not in virtual.configuration(_VIRTUAL, "node1", "10.250.0.1", "eth0", ())


@pytest.mark.parametrize(
    ("address", "router", "number"), [("10.0.0.7", None, 7), ("10.0.1.0", None, 255), ("10.0.0.7", 9, 9)]
)
def test_the_number_of_the_virtual_router_fits_in_its_octet(address: str, router: int | None, number: int) -> None:
    assert VirtualAddress(address, "r/k:1", router).number == number


def test_another_configuration_is_another_pod_with_no_more_rights_than_it_needs() -> None:
    first, second = virtual.pod("r/k:1", "a"), virtual.pod("r/k:1", "b")
    assert first != second
    security = first["spec"]["containers"][0]["securityContext"]
    assert security["capabilities"]["drop"] == ["ALL"]
    assert not security.get("privileged")
    mounted = {volume["hostPath"]["path"] for volume in first["spec"]["volumes"] if "hostPath" in volume}
    assert mounted == {virtual.FOLDER, "/etc/kubernetes/pki/ca.crt"}  # no key is below either


_SHOW = json.dumps(
    [
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}]},
        {"ifname": "eth0", "addr_info": [{"local": "10.250.0.1"}, {"local": "10.250.0.100"}]},
    ]
)


def test_a_host_takes_part_with_the_interface_of_its_address_and_changes_nothing_twice() -> None:
    host = Memory("node1", said={"ip -json": _SHOW, "move": ""})
    assert virtual.interface_of(_SHOW, "10.250.0.7") is None
    assert not virtual.placed(host, _VIRTUAL, "10.250.0.1", ("10.250.0.2",))
    virtual.place(host, _VIRTUAL, "10.250.0.1", ("10.250.0.2",))
    host.files[virtual.path_of(virtual.NAME)] = host.files.pop(f"{kubeadm.CONFIG_DIR}/keepalived.manifest")
    assert virtual.placed(host, _VIRTUAL, "10.250.0.1", ("10.250.0.2",))
    assert not virtual.placed(host, _VIRTUAL, "10.250.0.1", ("10.250.0.3",))
    before = dict(host.files)
    virtual.place(host, _VIRTUAL, "10.250.0.1", ("10.250.0.2",))
    assert host.files == before
    with pytest.raises(HostError, match=r"no interface with its address 10\.250\.0\.9"):
        virtual.place(host, _VIRTUAL, "10.250.0.9", ())


def _certificate(ends: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = builder.serial_number(1).not_valid_before(ends - timedelta(days=365)).not_valid_after(ends)
    return dated.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


_NOW = datetime(2030, 1, 1, tzinfo=UTC)


def _listing(first: int, second: int) -> str:
    """A host's certificates: one in a file and one in a kubeconfig, ending in so many days."""
    files = _certificate(_NOW + timedelta(days=first)).decode()
    held = base64.b64encode(_certificate(_NOW + timedelta(days=second))).decode()
    return f"file: pki/apiserver.crt\n{files}file: admin.conf\n{held}\nfile: super-admin.conf\n"


def test_certificates_in_files_and_in_kubeconfigs_are_read() -> None:
    assert certificates.parse(_listing(40, 20)) == {
        "pki/apiserver.crt": _NOW + timedelta(days=40),
        "admin.conf": _NOW + timedelta(days=20),
    }
    with pytest.raises(HostError, match="damaged certificate"):
        certificates.ends(Memory("node1", said={"/bin/sh": "file: pki/apiserver.crt\nnonsense\n"}))


@pytest.mark.parametrize(
    ("first", "second", "files", "expected"),
    [(40, 31, {}, False), (40, 29, {}, True), (29, 40, {}, True), (40, 40, {certificates.BEGUN: b"x"}, True)],
)
def test_a_renewal_is_due_before_the_first_one_ends_or_when_it_was_interrupted(
    first: int, second: int, files: dict[str, bytes], expected: bool
) -> None:
    host = Memory("node1", files, {"/bin/sh": _listing(first, second)})
    assert certificates.due(host, 30, _NOW) is expected


def test_kubectl_asks_again_while_the_address_moves_and_not_for_what_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(controlplane.time, "sleep", lambda _: None)

    class Moving(Memory):
        left = 2

        def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
            self.ran.append(tuple(argv))
            if self.left:
                self.left -= 1
                raise CommandFailed(argv, 1, "Unable to connect to the server: EOF")
            raise CommandFailed(argv, 1, 'Error from server (Forbidden): nodes "x" is forbidden')

    host = Moving("node1")
    with pytest.raises(CommandFailed, match="is forbidden"):
        controlplane.kubectl(host, "get", "nodes")
    assert len(host.ran) == 3


def test_where_certificates_have_ended_every_host_gets_new_ones_before_any_is_waited_for() -> None:
    pod = yaml.safe_dump({"metadata": {"name": "x"}, "spec": {}}).encode()
    manifests = {staticpods.path_of(name): pod for name in staticpods.CONTROL_PLANE}

    def host(name: str, days: int) -> Memory:
        listing = _dated(datetime.now(UTC) + timedelta(days=days))
        return Memory(name, manifests, {"move": "", "certs renew all": "", "pki/etcd": listing})

    hosts = [host("node1", -1), host("node2", -2), host("node3", 90)]
    own, *others = [Plane(each, f"10.250.0.{index}") for index, each in enumerate(hosts, 1)]
    planes._revive(own, [*others, Plane(Off("node4"), "10.250.0.4")])
    renewed = [each.name for each in hosts if ("kubeadm", "certs", "renew", "all") in each.ran]
    assert renewed == ["node1", "node2"]
    assert all(certificates.BEGUN in each.files for each in hosts[:2])


def _dated(ends: datetime) -> str:
    return f"file: pki/apiserver.crt\n{_certificate(ends).decode()}"


def test_a_static_pod_has_restarted_when_it_is_ready_with_the_new_stamp() -> None:
    def pod(stamp: str, ready: str) -> dict[str, Any]:
        conditions = [{"type": "Ready", "status": ready}]
        metadata = {"name": "etcd-node1", "annotations": {staticpods.STAMP: stamp}}
        return {"metadata": metadata, "status": {"conditions": conditions}}

    assert staticpods._runs(pod("2", "True"), "2")
    assert not staticpods._runs(pod("1", "True"), "2")
    assert not staticpods._runs(pod("2", "False"), "2")
    assert not staticpods._runs({}, "2")
