"""fake-gcs-server: Google Cloud Storage on loopback, with versions, in memory."""

from __future__ import annotations

import subprocess

from tests.servers.binaries import find
from tests.servers.parent import die_with_parent
from tests.servers.ports import free_port, wait_for_port


class CloudStorage:
    """`start` and `stop`; nothing is kept."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """What STORAGE_EMULATOR_HOST says."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> CloudStorage:
        self._process = subprocess.Popen(
            [
                str(find("fake-gcs-server")),
                "-backend=memory",
                "-scheme=http",
                "-host=127.0.0.1",
                f"-port={self.port}",
                f"-public-host={self.host}",
                "-log-level=error",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it calls what was loaded before
        )
        wait_for_port(self.port)
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
