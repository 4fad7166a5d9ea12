"""What lies under the stacks of one installation: the folder, the CLI, settings with their secrets, and repairs.

`Engine` says what happens to a stack; this knows how the CLI is started and what its files hold.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError

from infra.engine import repair, state
from infra.engine.command import Cli
from infra.engine.errors import EngineError, PassphraseWrong, PulumiMissing, StackMissing
from infra.engine.events import Progress
from infra.engine.home import Home, write_private
from infra.engine.model import PROJECT, Output, Plugin
from infra.engine.translate import translate
from infra.engine.vault import Vault, VaultError


class Project:
    """One home with one CLI. Raises EngineError."""

    def __init__(
        self,
        home: Path,
        pulumi: Path,
        *,
        plugins: Sequence[Plugin],
        backend_url: str | None,
        passphrase: Callable[[], str] | None,
        fetch_plugins: bool,
    ) -> None:
        self.home = Home(home, backend_url, plugins)
        self.cli: Cli | None = None
        self._pulumi = pulumi
        self._passphrase = passphrase
        self._fetch_plugins = fetch_plugins

    def prepare(self) -> Cli:
        """The CLI, with the home laid out. Raises PulumiMissing."""
        if not os.access(self._pulumi, os.X_OK):
            raise PulumiMissing(
                f"The Pulumi binary {self._pulumi} is not there.", remedy="`platform doctor` says how to get it."
            )
        self.home.prepare()
        if self.cli is None:
            self.cli = Cli(self._pulumi)
        return self.cli

    def environment(self) -> dict[str, str]:
        """The variables under which every command of this home runs."""
        return {
            "PULUMI_HOME": str(self.home.pulumi_home),
            "PULUMI_BACKEND_URL": self.home.backend_url,
            **self._passphrase_variable(),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "false" if self._fetch_plugins else "true",
            "PULUMI_IGNORE_AMBIENT_PLUGINS": "false" if self._fetch_plugins else "true",
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            "PULUMI_DISABLE_RESOURCE_REFERENCES": "false",
            "PULUMI_OPTION_COLOR": "never",
        }

    def _passphrase_variable(self) -> dict[str, str]:
        """A file where we keep it, so that plugins, which inherit the variables, do not see the value."""
        if self._passphrase:
            return {"PULUMI_CONFIG_PASSPHRASE": self._passphrase()}
        self.home.passphrase()
        return {"PULUMI_CONFIG_PASSPHRASE_FILE": str(self.home.passphrase_file)}

    def _read_passphrase(self) -> str:
        return self._passphrase() if self._passphrase else self.home.passphrase()

    def command(self, arguments: list[str], stack: str = "") -> str:
        """What a command prints."""
        cli = self.prepare()
        try:
            return cli.run(arguments, str(self.home.path), self.environment()).stdout
        except CommandError as error:
            raise translated(stack, error) from error

    def exists(self, stack: str) -> bool:
        """Whether the stack was ever made here."""
        if self.home.backend_url.startswith("file://"):
            return self.home.state_file(stack) is not None
        found = json.loads(self.command(["stack", "ls", "--json"]) or "[]")
        return any(entry["name"] == stack for entry in found)

    def require(self, stack: str) -> None:
        """Raises StackMissing."""
        if not self.exists(stack):
            raise StackMissing(f"There is no stack {stack}.", stack=stack, remedy="`platform up` makes it.")

    def ensure(self, stack: str) -> None:
        """Makes the stack with a vault of ours, so that the passphrase is proven before anything runs."""
        self.prepare()
        if not self.home.settings(stack).get("encryptionsalt"):
            if self.exists(stack):
                # The settings file was lost; the salt is kept in the state as well.
                self._recover_salt(stack)
            else:
                vault = Vault.create(self._read_passphrase())
                self.home.save_settings(stack, {**self.home.settings(stack), "encryptionsalt": vault.state})
        if not self.exists(stack):
            self.command(["stack", "init", stack, "--secrets-provider", "passphrase", "--no-select"], stack)

    def _recover_salt(self, stack: str) -> None:
        exported = json.loads(self.command(["stack", "export", "--stack", stack], stack))
        provider = (exported.get("deployment") or {}).get("secrets_providers") or {}
        salt = (provider.get("state") or {}).get("salt") or Vault.create(self._read_passphrase()).state
        self.home.save_settings(stack, {**self.home.settings(stack), "encryptionsalt": salt})

    def _open_settings(self, stack: str) -> tuple[dict[str, Any], Vault]:
        settings = self.home.settings(stack)
        try:
            return settings, Vault.load(str(settings["encryptionsalt"]), self._read_passphrase())
        except VaultError as error:
            raise _wrong_passphrase(stack) from error

    def _unseal(self, stack: str, vault: Vault, entry: Any) -> str:
        try:
            return vault.open(str(entry["secure"]))
        except VaultError as error:
            raise _wrong_passphrase(stack) from error

    def outputs(self, stack: str) -> dict[str, Output] | None:
        """What a stack exports, read from its state file; None where the backend has no such file."""
        checkpoint = self._checkpoint(stack)
        if checkpoint is None:
            return None
        self.ensure(stack)
        try:
            return state.outputs(checkpoint, self._open_settings(stack)[1])
        except VaultError as error:
            raise _wrong_passphrase(stack) from error

    def configure(self, stack: str, config: Mapping[str, str] | None, secrets: Mapping[str, str] | None) -> None:
        """Writes the settings file only where a value differs: sealing anew would change it every time."""
        settings, vault = self._open_settings(stack)
        entries: dict[str, Any] = settings.setdefault("config", {})
        changed = False
        for name, value in (config or {}).items():
            key = name if ":" in name else f"{PROJECT}:{name}"
            if entries.get(key) != value:
                entries[key] = value
                changed = True
        for name, value in (secrets or {}).items():
            key = name if ":" in name else f"{PROJECT}:{name}"
            old = entries.get(key)
            if not isinstance(old, dict) or self._unseal(stack, vault, old) != value:
                entries[key] = {"secure": vault.seal(value)}
                changed = True
        if changed:
            self.home.save_settings(stack, settings)

    def _checkpoint(self, stack: str) -> dict[str, Any] | None:
        """The stack's state; None where the backend is not a folder or the stack never ran."""
        path = self.home.state_file(stack)
        if path is None:
            return None
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def expected(self, stack: str) -> int | None:
        """How many resources providers handle in the last state; None where there is none."""
        checkpoint = self._checkpoint(stack)
        return (state.handled(checkpoint) or None) if checkpoint else None

    def mend(self, stack: str) -> None:
        """Undoes what a killed run left: a lock without a living holder, operations noted as unfinished. A run that
        is still alive holds the lock, which refuses the mending."""
        checkpoint = self._checkpoint(stack)
        if checkpoint is None:
            return
        self._break_dead_lock(stack)
        if state.has_pending(checkpoint):
            exported = json.loads(self.command(["stack", "export", "--stack", stack], stack))
            settled = self.home.path / f".settled.{stack}.json"
            write_private(settled, json.dumps(repair.settle(exported)))
            try:
                self.command(["stack", "import", "--file", str(settled), "--stack", stack], stack)
            finally:
                settled.unlink()

    def _break_dead_lock(self, stack: str) -> None:
        base = Path(self.home.backend_url.removeprefix("file://"))
        folder = base / ".pulumi" / "locks" / "organization" / PROJECT / stack
        for lock in folder.glob("*.json") if folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
                held = json.loads(lock.read_text(encoding="utf-8"))
                if held["hostname"] == socket.gethostname() and not _is_pulumi(int(held["pid"])):
                    lock.unlink()


def translated(
    stack: str, error: CommandError, progress: Progress | None = None, *, stopped: bool = False
) -> EngineError:
    """The error that a failed command means, with what its events told."""
    # The Automation API keeps the command's result only as text in its message.
    text = str(error)
    out, _, err = text.partition("\n stderr: ")
    return translate(
        stack,
        out.partition("\n stdout: ")[2],
        err,
        failures=progress.failures if progress else (),
        general=tuple(progress.general_errors) if progress else (),
        stopped=stopped,
    )


def _is_pulumi(pid: int) -> bool:
    """Whether that process lives and is the CLI; its number may have gone to somebody else since, and where nobody
    reaps, a dead process keeps its entry."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    return fields.get("Name", "").startswith("pulumi") and fields.get("State", "")[:1] not in {"Z", "X"}


def _wrong_passphrase(stack: str) -> PassphraseWrong:
    return PassphraseWrong(
        f"The passphrase does not open the secrets of stack {stack}; it was encrypted with another one.",
        stack=stack,
        remedy="Put back the passphrase file that belongs to this installation.",
    )
