"""KServe's real controller on a test's API server, with the platform's rights, settings and webhooks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import yaml

from components.contract import Install, KubernetesObject, ServerCertificate
from components.names import component_namespace
from components.serving import COMPONENT
from components.serving.names import NAME
from components.serving.objects import SERVER_NAME
from components.serving.settings import ServingSettings
from tests.servers.binaries import find
from tests.servers.installs import install
from tests.servers.kubernetes import Authority, KubernetesServer
from tests.servers.parent import die_with_parent
from tests.servers.ports import free_port, wait_for_port

_HOST = "127.0.0.1"
_ELSEWHERE = frozenset({"Deployment", "NetworkPolicy", "Secret", "Service"})
"""What needs nodes, or is given to the process as files."""


def _install(authority: Authority, registry: str) -> Install:
    certificate, key = authority.issue(SERVER_NAME.name, SERVER_NAME.name, hosts=[_HOST])
    files = (authority.certificate_file, certificate, key)
    made = install()
    return replace(
        made,
        images={name: f"{registry}{name}:1" for name in made.images},
        certificates={**made.certificates, SERVER_NAME.name: ServerCertificate(*(path.read_text() for path in files))},
    )


def _objects(given: Install, port: int) -> Iterator[KubernetesObject]:
    """Webhooks last: they fail closed."""
    found = [obj for obj in COMPONENT.objects(ServingSettings(), given) if obj["kind"] not in _ELSEWHERE]
    for obj in sorted(found, key=lambda each: "webhooks" in each):
        for hook in obj.get("webhooks", ()):
            path = hook["clientConfig"].pop("service")["path"]
            hook["clientConfig"]["url"] = f"https://{_HOST}:{port}{path}"
        yield obj


class Kserve:
    """`prepare` gives what must be in the cluster first, `run` starts the controller."""

    def __init__(self, server: KubernetesServer, folder: Path, registry: str) -> None:
        """`registry`: what images' names begin with where pods of workspaces may be."""
        self._server = server
        self._folder = folder
        self._port = free_port()
        self._given = _install(Authority.create(folder / "pki"), registry)
        self.log = folder / "kserve.log"

    def objects(self) -> list[KubernetesObject]:
        return list(_objects(self._given, self._port))

    @contextmanager
    def run(self) -> Iterator[None]:
        """As its service account, which must be there."""
        namespace = component_namespace(NAME)
        certificates = self._folder / "k8s-webhook-server" / "serving-certs"
        certificates.mkdir(parents=True)
        given = self._given.certificates[SERVER_NAME.name]
        for name, text in (("tls.crt", given.certificate), ("tls.key", given.key)):
            (certificates / name).write_text(text)
        kubeconfig = self._folder / "kserve.kubeconfig"
        kubeconfig.touch(mode=0o600)
        token = self._server.service_account_token(namespace, NAME)
        kubeconfig.write_text(yaml.safe_dump(self._server.kubeconfig_with_token(token)))
        command = [
            str(find("kserve-manager")), f"--webhook-port={self._port}", "--metrics-addr=0",
            f"--health-probe-addr={_HOST}:{free_port()}", "--zap-log-level=error", "--zap-stacktrace-level=panic",
        ]  # fmt: skip
        own = {"KUBECONFIG": str(kubeconfig), "POD_NAMESPACE": namespace, "TMPDIR": str(self._folder)}
        with self.log.open("wb") as out:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **own},
                preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls what was loaded before
            )
        try:
            wait_for_port(self._port)
            yield
        finally:
            started.kill()
            started.wait()
