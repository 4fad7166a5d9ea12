"""A real image registry on loopback, with passwords."""

from __future__ import annotations

import http.client
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.servers.binaries import find
from tests.servers.parent import die_with_parent
from tests.servers.ports import free_port

USER, PASSWORD = "pusher", "a-password-of-the-registry"
_HASHED = "$2b$05$abcdefghijklmnopqrstuutdet4itF4ObGgnA4Qq64c8TDpSfaMXC"
"""bcrypt of PASSWORD, the one form that the registry takes."""


class RegistryServer:
    """`start`, `kill`; what was pushed stays in the folder."""

    def __init__(self, folder: Path, *, passwords: bool = True, tokens: Mapping[str, str] | None = None) -> None:
        """`tokens`: realm, service, issuer and rootcertbundle of a token service, in place of passwords."""
        self._folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "htpasswd").write_text(f"{USER}:{_HASHED}\n")
        realm: dict[str, object] = {}
        if tokens is not None:
            realm = {"auth": {"token": dict(tokens)}}
        elif passwords:
            realm = {"auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}}
        self._config = folder / "config.yml"
        self._config.write_text(
            yaml.safe_dump(
                {
                    "version": 0.1,
                    "log": {"level": "error"},
                    "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
                    "http": {"addr": f"127.0.0.1:{self.port}", "secret": "shared-by-uploads"},
                    **realm,
                }
            )
        )

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> RegistryServer:
        self._process = subprocess.Popen(
            [str(find("docker-registry")), "serve", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"OTEL_TRACES_EXPORTER": "none"},
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one call, loaded before
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                connection.request("GET", "/v2/")
                connection.getresponse().read()
            except OSError:
                time.sleep(0.05)
            else:
                return self
            finally:
                connection.close()
        raise TimeoutError("the registry did not answer within 20 s")

    def kill(self) -> None:
        """As if its machine died."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None
