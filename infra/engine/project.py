"""What lies under the stacks of one installation: the folder, the CLI, settings with their secrets, and repairs.

`Engine` says what happens to a stack; this knows how the CLI is started and what its files hold.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pulumi.automation import CommandError

from infra.engine import repair, state
from infra.engine.command import Cli
from infra.engine.errors import (
    CreationsUnknown,
    EngineError,
    OperationFailed,
    PassphraseWrong,
    PulumiMissing,
    StackLocked,
    StackMissing,
)
from infra.engine.events import Progress
from infra.engine.folder import FileFolder, StateFolder
from infra.engine.holders import Lock, forget_dead_notes, locks
from infra.engine.home import Home, write_private
from infra.engine.model import BY_PASSPHRASE, PROJECT, Output, Plugin
from infra.engine.repair import Identify, Pending
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
        state: StateFolder | None,
        secrets: str,
        identify: Identify,
        passphrase: Callable[[], str] | None,
        fetch_plugins: bool,
    ) -> None:
        self.folder = state or FileFolder(home / "state")
        self.home = Home(home, self.folder.url, plugins)
        self.cli: Cli | None = None
        self._pulumi = pulumi
        self._passphrase = passphrase
        self._fetch_plugins = fetch_plugins
        self.secrets = secrets
        self._identify = identify
        self._sealed_here = secrets == BY_PASSPHRASE
        self._placed = False

    def prepare(self) -> Cli:
        """The CLI, with the home laid out. Raises PulumiMissing."""
        if not os.access(self._pulumi, os.X_OK):
            raise PulumiMissing(
                f"The Pulumi binary {self._pulumi} is not there.", remedy="`platform doctor` says how to get it."
            )
        self.home.prepare()
        if not self._placed:
            self.folder.ensure()
            self._placed = True
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
        return _state_of(stack) in self.folder.names(_STACKS)

    def require(self, stack: str) -> None:
        """Raises StackMissing."""
        if not self.exists(stack):
            raise StackMissing(f"There is no stack {stack}.", stack=stack, remedy="`platform up` makes it.")

    def ensure(self, stack: str) -> None:
        """Makes the stack; with a vault of ours where a passphrase seals it, so that this is proven before anything
        runs."""
        self.prepare()
        there = self.exists(stack)
        if not self._has_key(stack):
            if there:
                # The settings file was lost, or another machine made the stack; the state has the key as well.
                self._recover_key(stack)
            elif self._sealed_here:
                vault = Vault.create(self._read_passphrase())
                self.home.save_settings(stack, {**self.home.settings(stack), "encryptionsalt": vault.state})
        if not there:
            self.command(["stack", "init", stack, "--secrets-provider", self.secrets, "--no-select"], stack)

    def _has_key(self, stack: str) -> bool:
        return bool(self.home.settings(stack).get("encryptionsalt" if self._sealed_here else "encryptedkey"))

    def _recover_key(self, stack: str) -> None:
        checkpoint = self._checkpoint(stack) or {}
        latest = (checkpoint.get("checkpoint") or {}).get("latest") or {}
        known = (latest.get("secrets_providers") or {}).get("state") or {}
        if self._sealed_here:
            salt = known.get("salt") or Vault.create(self._read_passphrase()).state
            found = {"encryptionsalt": salt}
        else:
            found = {"secretsprovider": known.get("url", self.secrets), "encryptedkey": known.get("encryptedkey", "")}
        self.home.save_settings(stack, {**self.home.settings(stack), **found})

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
        """What a stack exports, read from its state; None where only the CLI can open it."""
        checkpoint = self._checkpoint(stack)
        if checkpoint is None or not self._sealed_here:
            return None
        self.ensure(stack)
        try:
            return state.outputs(checkpoint, self._open_settings(stack)[1])
        except VaultError as error:
            raise _wrong_passphrase(stack) from error

    def configure(self, stack: str, config: Mapping[str, str] | None, secrets: Mapping[str, str] | None) -> None:
        """Writes the settings file only where a value differs: sealing anew would change it every time."""
        if not self._sealed_here:
            self._configure_by_cli(stack, config, secrets)
            return
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

    def _configure_by_cli(
        self, stack: str, config: Mapping[str, str] | None, secrets: Mapping[str, str] | None
    ) -> None:
        if secrets:
            raise OperationFailed(
                "Secrets of the configuration are sealed by a passphrase only.",
                stack=stack,
                remedy="Hand them to the program itself, whose outputs the cloud's key seals.",
            )
        settings = self.home.settings(stack)
        given = {name if ":" in name else f"{PROJECT}:{name}": value for name, value in (config or {}).items()}
        if {**settings.get("config", {}), **given} != settings.get("config", {}):
            self.home.save_settings(stack, {**settings, "config": {**settings.get("config", {}), **given}})

    def _checkpoint(self, stack: str) -> dict[str, Any] | None:
        """The stack's state; None where it has none."""
        text = self.folder.read(_state_of(stack))
        if text is None:
            return None
        found: dict[str, Any] = json.loads(text)
        return found

    def expected(self, stack: str) -> int | None:
        """How many resources providers handle in the last state; None where there is none."""
        checkpoint = self._checkpoint(stack)
        return (state.handled(checkpoint) or None) if checkpoint else None

    def locks(self, stack: str) -> tuple[Lock, ...]:
        """Who works on the stack, or did when it died."""
        return locks(self.folder, stack)

    def pending(self, stack: str) -> tuple[Pending, ...]:
        """Operations that a killed run noted and did not end."""
        checkpoint = self._checkpoint(stack)
        return repair.pending(checkpoint, self._identify) if checkpoint else ()

    def mend(self, stack: str) -> bool:
        """Undoes what a killed run left: a lock without a living holder, operations noted as unfinished.

        Says whether the state must be refreshed before it is used. Raises StackLocked while a run is alive, and
        CreationsUnknown where a person must decide.
        """
        self.break_dead_locks(stack)
        if held := self.locks(stack):
            raise StackLocked(f"Stack {stack} is locked.", stack=stack, holder=str(held[0]))
        found = self.pending(stack)
        unknown = [each for each in found if not each.settles]
        if unknown:
            first = unknown[0].resource
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            raise CreationsUnknown(
                f"A run that was killed was creating {first.kind} {first.name}{more} of stack {stack}, and nobody knows"
                " whether the cloud made it.",
                stack=stack,
                remedy="See what it was and what to do: platform repair",
            )
        if found:
            self.settle(stack)
        return bool(found)

    def settle(self, stack: str, *, drop: Collection[str] = ()) -> bool:
        """Rewrites the state without the unfinished operations that settle by themselves, and without those whose URN
        is in `drop`. Where others remain nothing is done, as the CLI's import would forget those too; says so."""
        exported = json.loads(self.command(["stack", "export", "--stack", stack], stack))
        mended = repair.settle(exported, drop=drop, identify=self._identify)
        if repair.pending(mended):
            return False
        settled = self.home.path / f".settled.{stack}.json"
        write_private(settled, json.dumps(mended))
        try:
            self.command(["stack", "import", "--file", str(settled), "--stack", stack], stack)
        finally:
            settled.unlink()
        return True

    def break_dead_locks(self, stack: str) -> None:
        """Removes locks of processes of this machine that are gone."""
        for lock in self.locks(stack):
            if lock.dead:
                self.folder.delete(lock.name)
        forget_dead_notes(self.folder, stack)

    def told(self, error: StackLocked) -> StackLocked:
        """The refusal with all that is known of the holder."""
        held = self.locks(error.stack)
        if not held:
            return error
        return StackLocked(
            f"Stack {error.stack} is being changed by {held[0]}.",
            stack=error.stack,
            holder=str(held[0]),
            remedy="Wait until that has ended, then try again. If it is gone for good: platform repair",
        )


_STACKS = f".pulumi/stacks/{PROJECT}/"


def _state_of(stack: str) -> str:
    return f"{_STACKS}{stack}.json"


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


def _wrong_passphrase(stack: str) -> PassphraseWrong:
    return PassphraseWrong(
        f"The passphrase does not open the secrets of stack {stack}; it was encrypted with another one.",
        stack=stack,
        remedy="Put back the passphrase file that belongs to this installation.",
    )
