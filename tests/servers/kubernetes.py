"""A real etcd, kube-apiserver and kube-controller-manager on loopback, without nodes and without root.

    with kubernetes() as server:                     # outside pytest
        server.request("GET", "/version")

Controllers run (namespaces finalize, service accounts appear, ReplicaSets make pods), only what needs machines does
not: a test plays scheduler and kubelet by writing `spec.nodeName` through a binding and the status of a pod.
"""

from __future__ import annotations

import base64
import ctypes
import datetime as dt
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.servers.binaries import find
from tests.servers.lease import keep, lease

SERVICE_RANGE = "10.96.0.0/16"
_CONTROLLERS_LEFT_OUT = (
    "node-lifecycle-controller",
    "node-ipam-controller",
    "taint-eviction-controller",
    "cloud-node-lifecycle-controller",
    "service-lb-controller",
    "node-route-controller",
)


class KubernetesRequestFailed(RuntimeError):
    """The API server refused; `status` is the HTTP code and the message the server's own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True)
class Authority:
    """Signs certificates of one test server."""

    folder: Path

    @property
    def certificate_file(self) -> Path:
        return self.folder / "ca.crt"

    @classmethod
    def create(cls, folder: Path) -> Authority:
        """A fresh authority in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-ca")])
        certificate = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.KeyUsage(True, False, False, False, False, True, True, False, False),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_pair(folder / "ca", certificate, key)
        return cls(folder)

    def issue(self, name: str, user: str, groups: Sequence[str] = (), hosts: Sequence[str] = ()) -> tuple[Path, Path]:
        """Certificate and key files of a user (CN) with groups (O); `hosts` makes it a server certificate."""
        certificate_file, key_file = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        issuer = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        issuer_key = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), password=None)
        assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, user)]
            + [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        )
        usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        # Python 3.13 and later refuse certificates that do not name their issuer's key.
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = (
            _builder(subject, issuer.subject, key.public_key())
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(issuer_id, critical=False)
        )
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(h) for h in hosts]), False)
        _write_pair(self.folder / name, builder.sign(issuer_key, hashes.SHA256()), key)
        return certificate_file, key_file


def _alternative(host: str) -> x509.GeneralName:
    import ipaddress

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=2))
    )


def _write_pair(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    path.with_suffix(".crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(path.with_suffix(".key"), key)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )


@dataclass(frozen=True)
class KubernetesServer:
    """A running server, as every process that leases it sees it."""

    folder: Path
    url: str
    """Such as `https://127.0.0.1:40123`."""

    @property
    def ca_file(self) -> Path:
        return self.folder / "pki" / "ca.crt"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's (group system:masters) kubeconfig file."""
        return self.folder / "admin.kubeconfig"

    def kubeconfig_content(self, user: str, groups: Sequence[str] = ()) -> dict[str, Any]:
        """A self-contained kubeconfig with a client certificate of any user and groups."""
        name = f"client-{os.getpid()}-{time.monotonic_ns()}"
        certificate, key = Authority(self.folder / "pki").issue(name, user, groups)
        credentials = {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}
        return _kubeconfig(self.url, self.ca_file, user, credentials)

    def kubeconfig_for(self, user: str, groups: Sequence[str] = ()) -> Path:
        """The same in a file of its own."""
        path = self.folder / f"{os.getpid()}-{time.monotonic_ns()}.kubeconfig"
        _write_kubeconfig(path, self.kubeconfig_content(user, groups))
        return path

    def service_account_token(self, namespace: str, name: str, *, audiences: Sequence[str] = ()) -> str:
        """A bound token, an hour long, of a service account that must exist."""
        spec: dict[str, Any] = {"expirationSeconds": 3600}
        if audiences:
            spec["audiences"] = list(audiences)
        answer = self.request(
            "POST",
            f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec},
        )
        return str(answer["status"]["token"])

    def kubeconfig_with_token(self, token: str) -> dict[str, Any]:
        """A kubeconfig that authenticates by a bearer token."""
        return _kubeconfig(self.url, self.ca_file, "token", {"token": token})

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        token: str | None = None,
    ) -> Any:
        """One call as the administrator (or with a token); the answer's JSON. Raises KubernetesRequestFailed."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        headers = {"Accept": "application/json"}
        if token is None:
            context.load_cert_chain(self.folder / "pki" / "admin.crt", self.folder / "pki" / "admin.key")
        else:
            headers["Authorization"] = f"Bearer {token}"
        address = urllib.parse.urlsplit(self.url)
        assert address.hostname
        connection = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=30)
        try:
            data = None
            if body is not None:
                data = json.dumps(body)
                headers["Content-Type"] = content_type
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        try:
            answer = json.loads(text)
        except ValueError:
            answer = {"message": text}
        if response.status >= 400:
            raise KubernetesRequestFailed(response.status, str(answer.get("message", text)))
        return answer

    def create_namespace(self, prefix: str) -> str:
        """A namespace with a generated name; deleting it may be left to the end of the server."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": f"{prefix}-"}}
        return str(self.request("POST", "/api/v1/namespaces", body)["metadata"]["name"])


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _kubeconfig(url: str, ca_file: Path, user: str, credentials: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority-data": _base64(ca_file)}}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        "current-context": "test",
    }


def _write_kubeconfig(path: Path, content: dict[str, Any]) -> None:
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content))


class _Processes:
    """Children that end with us, whatever ends us."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the keeper has one thread
                cwd=self._folder,
            )
        self._running.append((name, process))
        return process

    def stop(self) -> None:
        """The last started first; killed, since nothing of a test server is worth saving."""
        for _, process in reversed(self._running):
            process.kill()
        for _, process in self._running:
            process.wait()
        self._running.clear()

    def log(self, name: str, lines: int = 15) -> str:
        text = (self._folder / f"{name}.log").read_text(errors="replace")
        return f"--- {name}\n" + "\n".join(text.splitlines()[-lines:])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


class _Cluster:
    """What the keeper runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pki = folder / "pki"
        self._processes = _Processes(folder)

    def start(self) -> dict[str, Any]:
        authority = Authority.create(self._pki)
        authority.issue("admin", "admin", ["system:masters"])
        hosts = ["127.0.0.1", "localhost", "kubernetes", "kubernetes.default.svc", "10.96.0.1"]
        authority.issue("server", "kube-apiserver", hosts=hosts)
        authority.issue("controllers", "system:kube-controller-manager")
        _write_key(self._pki / "sa.key", ec.generate_private_key(ec.SECP256R1()))
        for attempt in range(3):
            etcd_port, peer_port, port = _free_ports(3)
            url = f"https://127.0.0.1:{port}"
            try:
                self._start_servers(etcd_port, peer_port, port)
                server = KubernetesServer(self._folder, url)
                self._wait_ready(server)
            except (KubernetesRequestFailed, TimeoutError):
                self._processes.stop()
                if attempt == 2:
                    print(self._processes.log("etcd"), self._processes.log("kube-apiserver"), sep="\n")  # noqa: T201
                    raise
                continue
            self._start_controllers(server)
            return {"url": url}
        raise AssertionError("unreachable")

    def stop(self) -> None:
        self._processes.stop()

    def _start_servers(self, etcd_port: int, peer_port: int, port: int) -> None:
        shutil.rmtree(self._folder / "etcd", ignore_errors=True)
        client, peer = f"http://127.0.0.1:{etcd_port}", f"http://127.0.0.1:{peer_port}"
        pki = self._pki
        self._processes.start(
            "etcd",
            [
                str(find("etcd")),
                f"--data-dir={self._folder / 'etcd'}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                "--unsafe-no-fsync",
                "--log-level=warn",
            ],
        )
        self._processes.start(
            "kube-apiserver",
            [
                str(find("kube-apiserver")),
                f"--etcd-servers={client}",
                "--bind-address=127.0.0.1",
                f"--secure-port={port}",
                f"--cert-dir={pki}",
                f"--tls-cert-file={pki / 'server.crt'}",
                f"--tls-private-key-file={pki / 'server.key'}",
                f"--client-ca-file={pki / 'ca.crt'}",
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                f"--service-account-key-file={pki / 'sa.key'}",
                f"--service-account-signing-key-file={pki / 'sa.key'}",
                f"--service-cluster-ip-range={SERVICE_RANGE}",
                "--allow-privileged=true",
                "--endpoint-reconciler-type=none",
                "--profiling=false",
                "--max-requests-inflight=2000",
                "--max-mutating-requests-inflight=1000",
            ],
        )

    def _start_controllers(self, server: KubernetesServer) -> None:
        for name, user in (("admin", "admin"), ("controllers", "system:kube-controller-manager")):
            certificate, key = self._pki / f"{name}.crt", self._pki / f"{name}.key"
            credentials = {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}
            path = self._folder / f"{name}.kubeconfig"
            _write_kubeconfig(path, _kubeconfig(server.url, server.ca_file, user, credentials))
        self._processes.start(
            "kube-controller-manager",
            [
                str(find("kube-controller-manager")),
                f"--kubeconfig={self._folder / 'controllers.kubeconfig'}",
                f"--service-account-private-key-file={self._pki / 'sa.key'}",
                f"--root-ca-file={self._pki / 'ca.crt'}",
                "--use-service-account-credentials=true",
                "--leader-elect=false",
                "--secure-port=0",
                "--kube-api-qps=500",
                "--kube-api-burst=1000",
                "--controllers=" + ",".join(["*", *(f"-{name}" for name in _CONTROLLERS_LEFT_OUT)]),
            ],
        )
        _until("service accounts", lambda: _has(server, "/api/v1/namespaces/default/serviceaccounts/default"))

    def _wait_ready(self, server: KubernetesServer) -> None:
        def ready() -> bool:
            for name, process in self._processes._running:
                if process.poll() is not None:
                    raise TimeoutError(f"{name} ended: {self._processes.log(name)}")
            return _has(server, "/readyz?") and _has(server, "/apis/rbac.authorization.k8s.io/v1/clusterroles/admin")

        _until("the API server", ready)


def _has(server: KubernetesServer, path: str) -> bool:
    try:
        server.request("GET", path)
    except (OSError, KubernetesRequestFailed):
        return False
    except ValueError:
        return True
    return True


def _until(what: str, condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} not ready after {seconds:.0f} s")
        time.sleep(0.05)


@contextmanager
def kubernetes(folder: Path | None = None) -> Iterator[KubernetesServer]:
    """A server for as long as the block runs. Callers that name the same folder share one."""
    own = Path(tempfile.mkdtemp(prefix="mlp-kubernetes-")) if folder is None else folder
    with lease(own, "tests.servers.kubernetes") as ready:
        yield KubernetesServer(own, ready["url"])


if __name__ == "__main__":
    cluster = _Cluster(Path(sys.argv[1]))
    keep(Path(sys.argv[1]), cluster.start, cluster.stop)
