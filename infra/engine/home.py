"""The Pulumi project folder of one installation.

<home>/Pulumi.yaml            project `mlp` with its backend, so that `pulumi stack ls` works in here
<home>/Pulumi.<stack>.yaml    a stack's settings, secrets sealed
<home>/passphrase             mode 0600, made at random once; only where no passphrase provider is given
<home>/state/                 the file backend
<home>/pulumi/plugins/        provider plugins, each an executable that starts the handed-in command
<home>/pulumi/logs            a file, see `_without_logs`
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from infra.engine.folder import FileFolder
from infra.engine.model import PROJECT, Plugin


def write_private(path: Path, text: str) -> None:
    """Replaces a file at once with mode 0600; a reader sees the old or the new content, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    temporary.replace(path)


class Home:
    """Owns the files above; starts no process."""

    def __init__(self, path: Path, backend_url: str | None, plugins: Sequence[Plugin]) -> None:
        self.path = path.absolute()
        self.state = self.path / "state"
        self.backend_url = backend_url or FileFolder(self.state).url
        self.pulumi_home = self.path / "pulumi"
        self.passphrase_file = self.path / "passphrase"
        self._plugins = tuple(plugins)

    def prepare(self) -> None:
        """Writes what is missing or differs. Safe to repeat; keeps the passphrase and the stacks' settings."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder := self._state_folder():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        project = {"name": PROJECT, "runtime": "python", "backend": {"url": self.backend_url}}
        _write_if_different(self.path / "Pulumi.yaml", yaml.safe_dump(project, sort_keys=False), 0o600)
        self._without_logs()
        for plugin in self._plugins:
            self._install(plugin)

    def passphrase(self) -> str:
        """The kept passphrase; makes one at the first call."""
        if not self.passphrase_file.exists():
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(self.passphrase_file, secrets.token_urlsafe(32))
        return self.passphrase_file.read_text(encoding="utf-8").strip()

    def settings_path(self, stack: str) -> Path:
        """Where the CLI keeps a stack's settings."""
        return self.path / f"Pulumi.{stack}.yaml"

    def settings(self, stack: str) -> dict[str, Any]:
        """A stack's settings as plain data; empty where there are none."""
        path = self.settings_path(stack)
        return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}

    def save_settings(self, stack: str, settings: Mapping[str, Any]) -> None:
        """Replaces a stack's settings."""
        write_private(self.settings_path(stack), yaml.safe_dump(dict(settings), sort_keys=True))

    def state_file(self, stack: str) -> Path | None:
        """The state of a stack in the file backend; None with another backend or where there is none yet."""
        folder = self._state_folder()
        path = folder / ".pulumi" / "stacks" / PROJECT / f"{stack}.json" if folder else None
        return path if path and path.exists() else None

    def _state_folder(self) -> Path | None:
        address, _, _ = self.backend_url.partition("?")
        return Path(address.removeprefix("file://")) if address.startswith("file://") else None

    def _without_logs(self) -> None:
        """A file where the CLI makes the folder of its own logs, which it then goes without.

        They would hold every value of every resource, at first unsealed, 100 MB for one `up`; writing them takes a
        third of the engine's time, and no setting switches them off. Progress and errors come as events.
        """
        logs = self.pulumi_home / "logs"
        if logs.is_file():
            return
        self.pulumi_home.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(logs, ignore_errors=True)
        logs.touch(mode=0o600)

    def _install(self, plugin: Plugin) -> None:
        folder = self.pulumi_home / "plugins" / f"resource-{plugin.name}-v{plugin.version}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        script = f'#!/bin/sh\nexec {shlex.join(plugin.command)} "$@"\n'
        _write_if_different(folder / f"pulumi-resource-{plugin.name}", script, 0o700)


def _write_if_different(path: Path, text: str, mode: int) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    write_private(path, text)
    path.chmod(mode)
