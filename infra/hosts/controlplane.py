"""The first node of a cluster: `kubeadm init` on a host, by any transport. Every function may be repeated."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from infra.hosts import apiserver, etcd, kubeadm
from infra.hosts.errors import ClusterMismatch, CommandFailed, DeadlinePassed, HostError, complaints, tail
from infra.hosts.kubeadm import ClusterSettings, NodeSettings, yaml_of
from infra.hosts.layout import ADMIN_CONF, CONTAINERD_SOCKET, KUBELET_CONFIG, SERVICE_LOGS
from infra.hosts.transport import Transport

INIT_FILE = f"{kubeadm.CONFIG_DIR}/kubeadm-init.yaml"
MARK = f"{kubeadm.CONFIG_DIR}/cluster.json"
"""On the host once the cluster is complete: what it was made with."""

PASSING_SECONDS = 60.0
_PASSING = (
    "Unable to connect to the server",
    "connection refused",
    "connection reset",
    "etcdserver: leader changed",
    "etcdserver: request timed out",
    "TLS handshake timeout",
)
"""What kubectl says while an API server or etcd starts anew, or the API's address moves."""
INIT_SECONDS = 300.0
API_SECONDS = 120.0


def fixed(settings: ClusterSettings) -> dict[str, str]:
    """Everything that cannot change in a cluster."""
    return {
        "endpoint": settings.endpoint,
        "name": settings.name,
        "kubernetes_version": settings.kubernetes_version,
        "registry": settings.registry,
        "pods": settings.pods,
        "services": settings.services,
    }


def made(transport: Transport) -> dict[str, str] | None:
    """What the complete cluster on the host's disk was made with, or None where there is none."""
    mark = transport.get(MARK)
    return None if mark is None else {"endpoint": "", **json.loads(mark).get("fixed", {})}


def mark(transport: Transport, settings: ClusterSettings) -> None:
    """Notes on the host's disk that the cluster is complete there."""
    transport.put(MARK, json.dumps({"fixed": fixed(settings)}).encode())


def mismatch(found: Mapping[str, str], settings: ClusterSettings) -> str | None:
    """What differs from how the cluster was made, with both values, or None."""
    wanted = fixed(settings)
    return next(
        (f"{key}: {found[key]} → {wanted[key]}" for key in wanted if found.get(key, wanted[key]) != wanted[key]), None
    )


def init(transport: Transport, settings: ClusterSettings, node: NodeSettings, upstream_dns: bool, dns: int) -> None:
    """Makes the cluster, or finds it made. What an interrupted run left half done is reset first.

    `upstream_dns`: whether names outside the cluster are asked of the host's resolvers; `dns` is how many DNS pods run.
    Raises ClusterMismatch where the disk holds a cluster of other settings.
    """
    found = made(transport)
    if found is None:
        _reset(transport)
        _write_files(transport, settings, node)
        _run_init(transport)
        if settings.endpoint:
            etcd.seal(transport, f"https://{node.address}:{kubeadm.API_PORT}")
        mark(transport, settings)
    elif (difference := mismatch(found, settings)) is not None:
        raise mismatched(transport, difference)
    wait_for_api(transport)
    configure_dns(transport, upstream_dns, dns, f"{settings.registry}/coredns:{settings.dns_tag}")


def mismatched(transport: Transport, difference: str) -> ClusterMismatch:
    """The error for a cluster that was made otherwise; `difference` is what `mismatch` found."""
    return ClusterMismatch(
        f"the cluster on the disk of host {transport.host} was made with other settings, which cannot change "
        f"({difference}). Set it back, or run `platform down` (it deletes the cluster) and then `up`."
    )


def destroy(transport: Transport) -> None:
    """Takes the cluster off the host's disk."""
    _reset(transport)
    transport.run(["rm", "-rf", kubeadm.CONFIG_DIR])


def _reset(transport: Transport) -> None:
    """Where an interrupted run began: ends what is left of it, and takes off the disk what it had made."""
    if transport.get(INIT_FILE) is not None:
        reset_node(transport)
        transport.run(["rm", "-rf", "/var/lib/etcd"])
    restart_service(transport, "kubelet")


_END_KUBERNETES = """
rm -f "$1"
for folder in /proc/[0-9]*; do
  name=""; read -r name 2>/dev/null < "$folder/comm" || true
  case "$name" in kubeadm|kubelet) kill -9 "${folder#/proc/}" 2>/dev/null || true ;; esac
done
"""
"""kubelet would start pods anew while they are removed. Without its configuration nobody starts it again."""
_RESETS = 3


def reset_node(transport: Transport, *arguments: str) -> None:
    """`kubeadm reset`, whatever state the host is in; its complaints about what is not there are no matter."""
    argv = ["kubeadm", "reset", "--force", f"--cri-socket=unix://{CONTAINERD_SOCKET}", *arguments]
    for _ in range(_RESETS):
        transport.run(["/bin/sh", "-c", _END_KUBERNETES, "end", KUBELET_CONFIG])
        transport.run(argv, timeout=120, check=False)
        if not transport.run(["ctr", "-n", "k8s.io", "tasks", "ls", "-q"], check=False).text.strip():
            return  # else what kubelet asked for last was started after kubeadm had looked


def restart_service(transport: Transport, name: str) -> None:
    """Ends a service of the host; its supervisor starts it again as soon as its files allow."""
    script = 'if [ -e "/run/mlp/$1.pid" ]; then kill "$(cat "/run/mlp/$1.pid")" 2>/dev/null || true; fi'
    transport.run(["/bin/sh", "-c", script, "restart", name])


def write_policies(transport: Transport) -> None:
    """What every API server of the cluster reads at its start, but for the key that encrypts."""
    transport.put(kubeadm.AUDIT_POLICY, yaml_of(apiserver.audit_policy()))
    transport.put(kubeadm.ADMISSION, yaml_of(apiserver.admission()))
    transport.put(kubeadm.AUTHENTICATION, yaml_of(apiserver.authentication()))


def _write_files(transport: Transport, settings: ClusterSettings, node: NodeSettings) -> None:
    write_policies(transport)
    if transport.get(kubeadm.ENCRYPTION) is None:
        key = transport.run(["head", "-c", str(apiserver.ENCRYPTION_KEY_BYTES), "/dev/urandom"]).output
        transport.put(kubeadm.ENCRYPTION, yaml_of(apiserver.encryption(key)))
    transport.put(INIT_FILE, yaml_of(*kubeadm.init_documents(settings, node)))


def _run_init(transport: Transport) -> None:
    argv = ["kubeadm", "init", f"--config={INIT_FILE}", "--skip-token-print", "--skip-certificate-key-print"]
    try:
        transport.run(argv, timeout=INIT_SECONDS)
    except CommandFailed as error:
        said = complaints(error.output)
        raise HostError(f"kubeadm init on {transport.host} failed: {said}\n{kubelet_says(transport)}") from error
    except DeadlinePassed as error:
        raise HostError(f"{error}\n{kubelet_says(transport)}") from error


def kubelet_says(transport: Transport, lines: int = 8) -> str:
    """The end of kubelet's log: mostly the reason when a node does not come up."""
    done = transport.run(["tail", "-n", "60", f"{SERVICE_LOGS}/kubelet.log"], check=False)
    problems = [line for line in done.text.splitlines() if line[:1] in {"E", "F"} or "err=" in line]
    return "kubelet says:\n" + (tail("\n".join(problems) or done.text, lines) or "nothing yet")


def api_healthy(transport: Transport) -> bool:
    """Whether the API server says that it is ready."""
    try:
        done = transport.run(["kubectl", "get", "--raw=/readyz", "--request-timeout=5s"], timeout=15, check=False)
    except DeadlinePassed:
        return False
    return done.code == 0 and done.text.strip() == "ok"


def wait_for_api(transport: Transport, seconds: float = API_SECONDS) -> None:
    """Raises DeadlinePassed with what kubelet says."""
    deadline = time.monotonic() + seconds
    while not api_healthy(transport):
        if time.monotonic() > deadline:
            said = kubelet_says(transport)
            raise DeadlinePassed(f"the API server on {transport.host} is not ready after {seconds:.0f} s. {said}")
        time.sleep(0.5)


_CLUSTER_ZONES = "cluster.local:53 in-addr.arpa:53 ip6.arpa:53"
_COMMON = ("errors", "cache 30", "loadbalance")
_CLUSTER = (
    "health {\n       lameduck 5s\n    }",
    "ready",
    "kubernetes cluster.local in-addr.arpa ip6.arpa {\n       pods insecure\n       ttl 30\n    }",
    "prometheus :9153",
    "reload",
)
_UPSTREAM = ("forward . /etc/resolv.conf {\n       max_concurrent 1000\n    }", "loop")
_NOBODY = ("template ANY ANY {\n       rcode NXDOMAIN\n    }",)


def corefile(upstream: bool) -> str:
    """CoreDNS for the cluster's own names; others are asked upstream, or answered at once with "no such name".

    Two server blocks, because `template` answers before `kubernetes` whatever their order in a block.
    """
    others = _UPSTREAM if upstream else _NOBODY
    return _block(_CLUSTER_ZONES, (*_COMMON, *_CLUSTER)) + _block(".:53", (*_COMMON, *others))


def _block(zones: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{zones} {{", *(f"    {line}" for line in lines), "}", ""])


def configure_dns(transport: Transport, upstream: bool, replicas: int, image: str) -> None:
    """The cluster's DNS as we want it; changes nothing where it is so."""
    pod = {"spec": {"containers": [{"name": "coredns", "image": image}]}}
    patches = {
        "configmap": {"data": {"Corefile": corefile(upstream)}},
        "deployment": {"spec": {"replicas": replicas, "template": pod}},
    }
    for kind, patch in patches.items():
        kubectl(transport, "-n", "kube-system", "patch", kind, "coredns", "--patch-file=/dev/stdin", stdin=patch)


def kubectl(transport: Transport, *arguments: str, stdin: object = None, timeout: float = 60) -> str:
    """Runs kubectl as the cluster's administrator; gives its output.

    For what may be repeated: while the API is away for a moment, such as when its address moves, it is asked again.
    """
    data = None if stdin is None else json.dumps(stdin).encode()
    deadline = time.monotonic() + PASSING_SECONDS
    while True:
        try:
            return transport.run(["kubectl", "--request-timeout=30s", *arguments], stdin=data, timeout=timeout).text
        except CommandFailed as error:
            if time.monotonic() > deadline or not any(sign in error.output for sign in _PASSING):
                raise
        time.sleep(1)


def kubeconfig(transport: Transport, server: str, name: str) -> str:
    """The administrator's kubeconfig for `server` (a URL that the API answers at). Holds a private key."""
    data = _admin(transport)
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {**data["clusters"][0]["cluster"], "server": server}}],
        "users": [{"name": f"{name}-admin", "user": data["users"][0]["user"]}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": f"{name}-admin"}}],
    }
    return yaml.safe_dump(config, sort_keys=False)


def ca_certificate(transport: Transport) -> str:
    """The cluster's CA certificate in PEM; public."""
    return base64.b64decode(ca_data(transport)).decode()


def ca_data(transport: Transport) -> str:
    """The cluster's CA certificate as kubeconfigs hold it: PEM in base64."""
    return str(_admin(transport)["clusters"][0]["cluster"]["certificate-authority-data"])


def _admin(transport: Transport) -> dict[str, Any]:
    content = transport.get(ADMIN_CONF)
    if content is None:
        raise HostError(f"host {transport.host} has no {ADMIN_CONF}; the cluster was not made, or its disk was emptied")
    data: dict[str, Any] = yaml.safe_load(content)
    return data
