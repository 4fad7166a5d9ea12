"""`Engine`: previews, updates, refreshes and destroys the stacks of one installation."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pulumi.automation import (
    CommandError,
    EngineEvent,
    LocalWorkspace,
    OutputMap,
    PulumiFn,
    Stack,
    UpdateSummary,
)
from pulumi.automation._stack import StackInitMode

from infra.engine import repair, state
from infra.engine.command import Cli
from infra.engine.errors import EngineBusy, EngineError, PassphraseWrong, PulumiMissing, StackMissing
from infra.engine.events import Progress
from infra.engine.home import Home, write_private
from infra.engine.model import (
    PROJECT,
    HistoryEntry,
    OnEvent,
    Output,
    Plugin,
    Program,
    Result,
    StackInfo,
)
from infra.engine.programs import TidyProgram, quiet
from infra.engine.translate import translate
from infra.engine.vault import Vault, VaultError

_one_at_a_time = threading.Lock()

_PARALLEL = 32
"""Resource operations at once. Most of them wait, so the engine's own choice (by processors) would be too few."""


class _Stack(Stack):
    """A stack whose operations cost one process start: the base class asks for outputs and history after each."""

    def outputs(self) -> OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary | None:  # noqa: ARG002
        return _NO_SUMMARY


class _Workspace(LocalWorkspace):
    """Selecting a stack is left out: every command names its stack."""

    def select_stack(self, stack_name: str) -> None:
        """Nothing to do."""


_NO_SUMMARY = UpdateSummary(
    kind="update",
    start_time=None,  # type: ignore[arg-type]
    message="",
    environment={},
    config={},
    result="succeeded",
)


class Engine:
    """One installation's stacks.

    Every operation raises `EngineError` (see errors.py) and nothing else that is expected. One operation at a time
    per process. Ctrl-C (or `stop()`) once lets running resource operations end and raises OperationCancelled;
    twice ends at once, and the next run finds what was half done.
    """

    def __init__(
        self,
        home: Path,
        pulumi: Path,
        *,
        plugins: Sequence[Plugin] = (),
        backend_url: str | None = None,
        passphrase: Callable[[], str] | None = None,
        fetch_plugins: bool = False,
    ) -> None:
        """`home`: the folder of the installation. `pulumi`: the CLI's binary. `backend_url`: None keeps state in
        `<home>/state`. `passphrase`: where the passphrase comes from; None keeps one in `<home>/passphrase`.
        `fetch_plugins`: whether plugins that are not handed in may come from PATH or the vendor's downloads."""
        self._home = Home(home, backend_url, plugins)
        self._pulumi = pulumi
        self._passphrase = passphrase
        self._fetch_plugins = fetch_plugins
        self._cli: Cli | None = None

    # What is there

    def stacks(self) -> tuple[StackInfo, ...]:
        """All stacks of this home, by name."""
        found = json.loads(self._command(["stack", "ls", "--json"]) or "[]")
        return tuple(
            StackInfo(entry["name"], int(entry.get("resourceCount") or 0), entry.get("lastUpdate"))
            for entry in sorted(found, key=lambda entry: str(entry["name"]))
        )

    def outputs(self, stack: str) -> Mapping[str, Output]:
        """What the stack exported at its last `up`, secrets opened. Raises StackMissing."""
        self._require(stack)
        checkpoint = self._checkpoint(stack)
        if checkpoint is not None:
            self._ensure(stack)
            try:
                return state.outputs(checkpoint, self._open_settings(stack)[1])
            except VaultError as error:
                raise _wrong_passphrase(stack) from error
        arguments = ["stack", "output", "--json", "--stack", stack]
        masked = json.loads(self._command(arguments, stack) or "{}")
        shown = json.loads(self._command([*arguments, "--show-secrets"], stack) or "{}") if masked else {}
        return {name: Output(value, secret=masked[name] != value) for name, value in shown.items()}

    def history(self, stack: str, limit: int = 10) -> tuple[HistoryEntry, ...]:
        """The newest operations first. Raises StackMissing."""
        arguments = ["stack", "history", "--json", "--page-size", str(limit), "--page", "1", "--stack", stack]
        return tuple(
            HistoryEntry(
                version=int(entry.get("version") or 0),
                kind=str(entry["kind"]),
                result=str(entry["result"]),
                started=str(entry["startTime"]),
                ended=entry.get("endTime"),
                changes=entry.get("resourceChanges") or {},
            )
            for entry in json.loads(self._command(arguments, stack) or "[]")
        )

    def exists(self, stack: str) -> bool:
        """Whether the stack was ever made here."""
        if self._home.backend_url.startswith("file://"):
            return self._home.state_file(stack) is not None
        return any(info.name == stack for info in self.stacks())

    # Secrets that live as long as the installation

    def keep_secrets(self, stack: str, names: Iterable[str], make: Callable[[], str]) -> dict[str, str]:
        """The kept secret of each name; `make()` fills in those that are missing, which are kept before this returns.

        They are sealed in the stack's settings, so an interrupted first `up` finds the same values again. The
        program sees them as secret configuration of the same names.
        """
        self._ensure(stack)
        settings, vault = self._open_settings(stack)
        config: dict[str, Any] = settings.setdefault("config", {})
        values: dict[str, str] = {}
        before = len(config)
        for name in names:
            entry = config.get(f"{PROJECT}:{name}")
            if entry is None:
                values[name] = make()
                config[f"{PROJECT}:{name}"] = {"secure": vault.seal(values[name])}
            else:
                values[name] = self._unseal(stack, vault, entry)
        if len(config) != before:
            self._home.save_settings(stack, settings)
        return values

    # Operations

    def preview(
        self,
        stack: str,
        program: Program,
        *,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        on_event: OnEvent | None = None,
    ) -> Result:
        """What `up` would do. Changes no resource; makes the stack where it is missing."""
        return self._operate(stack, "preview", on_event, program=program, config=config, secrets=secrets)

    def up(
        self,
        stack: str,
        program: Program,
        *,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        on_event: OnEvent | None = None,
        refresh: bool = False,
    ) -> Result:
        """Makes the resources as the program says. `refresh` first reads what is really there, so drift is undone.

        `config` and `secrets` are kept in the stack's settings (secrets sealed) under the project's namespace; a
        name with a colon, such as `kubernetes:namespace`, is taken as it is. Names not given stay as they were.
        """
        result = self._operate(stack, "up", on_event, program=program, config=config, secrets=secrets, refresh=refresh)
        return Result(result.stack, result.counts, result.changes, result.seconds, self.outputs(stack))

    def refresh(self, stack: str, *, on_event: OnEvent | None = None) -> Result:
        """Reads what is really there into the state. Raises StackMissing."""
        self._require(stack)
        return self._operate(stack, "refresh", on_event)

    def destroy(
        self, stack: str, *, on_event: OnEvent | None = None, refresh: bool = False, remove: bool = False
    ) -> Result:
        """Deletes every resource of the stack. `remove` then forgets the stack and its settings. A stack that does
        not exist is an empty result."""
        if not self.exists(stack):
            return Result(stack, {}, (), 0.0)
        result = self._operate(stack, "destroy", on_event, refresh=refresh)
        if remove:
            self.forget(stack)
        return result

    def forget(self, stack: str) -> None:
        """Drops the stack's state and settings without touching any resource. For resources that are gone together
        with what they lived in, such as objects of a deleted cluster."""
        if self.exists(stack):
            self._command(["stack", "rm", "--yes", "--force", "--stack", stack], stack)
        self._home.settings_path(stack).unlink(missing_ok=True)

    def unlock(self, stack: str) -> None:
        """Removes a lock whose holder is known to be dead. `up` does this itself for processes of this host."""
        self._command(["cancel", "--yes", "--stack", stack], stack)

    def stop(self) -> None:
        """As Ctrl-C: once stops after what is running, twice now. Safe from a signal handler or another thread."""
        if self._cli is not None:
            self._cli.stop()

    # How

    def _prepare(self) -> Cli:
        if not os.access(self._pulumi, os.X_OK):
            raise PulumiMissing(
                f"The Pulumi binary {self._pulumi} is not there.", remedy="`platform doctor` says how to get it."
            )
        self._home.prepare()
        if self._cli is None:
            self._cli = Cli(self._pulumi)
        return self._cli

    def _environment(self) -> dict[str, str]:
        return {
            "PULUMI_HOME": str(self._home.pulumi_home),
            "PULUMI_BACKEND_URL": self._home.backend_url,
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
        self._home.passphrase()
        return {"PULUMI_CONFIG_PASSPHRASE_FILE": str(self._home.passphrase_file)}

    def _read_passphrase(self) -> str:
        return self._passphrase() if self._passphrase else self._home.passphrase()

    def _workspace(self, cli: Cli) -> _Workspace:
        return _Workspace(
            work_dir=str(self._home.path),
            pulumi_home=str(self._home.pulumi_home),
            env_vars=self._environment(),
            secrets_provider="passphrase",
            pulumi_command=cli,
        )

    def _command(self, arguments: list[str], stack: str = "") -> str:
        cli = self._prepare()
        try:
            return cli.run(arguments, str(self._home.path), self._environment()).stdout
        except CommandError as error:
            raise _translated(stack, error) from error

    def _require(self, stack: str) -> None:
        if not self.exists(stack):
            raise StackMissing(f"There is no stack {stack}.", stack=stack, remedy="`platform up` makes it.")

    def _ensure(self, stack: str) -> None:
        """Makes the stack with a vault of ours, so that the passphrase is proven before anything runs."""
        self._prepare()
        if not self._home.settings(stack).get("encryptionsalt"):
            if self.exists(stack):
                # The settings file was lost; the salt is kept in the state as well.
                self._recover_salt(stack)
            else:
                vault = Vault.create(self._read_passphrase())
                self._home.save_settings(stack, {**self._home.settings(stack), "encryptionsalt": vault.state})
        if not self.exists(stack):
            self._command(["stack", "init", stack, "--secrets-provider", "passphrase", "--no-select"], stack)

    def _recover_salt(self, stack: str) -> None:
        exported = json.loads(self._command(["stack", "export", "--stack", stack], stack))
        provider = (exported.get("deployment") or {}).get("secrets_providers") or {}
        salt = (provider.get("state") or {}).get("salt") or Vault.create(self._read_passphrase()).state
        self._home.save_settings(stack, {**self._home.settings(stack), "encryptionsalt": salt})

    def _open_settings(self, stack: str) -> tuple[dict[str, Any], Vault]:
        settings = self._home.settings(stack)
        try:
            return settings, Vault.load(str(settings["encryptionsalt"]), self._read_passphrase())
        except VaultError as error:
            raise _wrong_passphrase(stack) from error

    def _unseal(self, stack: str, vault: Vault, entry: Any) -> str:
        try:
            return vault.open(str(entry["secure"]))
        except VaultError as error:
            raise _wrong_passphrase(stack) from error

    def _configure(self, stack: str, config: Mapping[str, str] | None, secrets: Mapping[str, str] | None) -> None:
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
            self._home.save_settings(stack, settings)

    def _operate(
        self,
        name: str,
        operation: str,
        on_event: OnEvent | None,
        *,
        program: Program | None = None,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        refresh: bool = False,
    ) -> Result:
        with _exclusively(name):
            self._ensure(name)
            self._configure(name, config, secrets)
            cli = self._prepare()
            cli.stops = 0
            if operation != "preview":
                self._mend(name)
            progress = Progress(name, self._expected(name))
            stack = _Stack(name, self._workspace(cli), StackInitMode.SELECT)
            started = time.monotonic()

            def listen(event: EngineEvent) -> None:
                for ours in progress.feed(event, time.monotonic() - started):
                    if on_event is not None:
                        on_event(ours)

            tidy = TidyProgram(program) if program else None
            try:
                with quiet():
                    _run(stack, operation, tidy, refresh, listen)
            except CommandError as error:
                raise _translated(name, error, progress, stopped=cli.stops > 0) from error
            finally:
                if tidy:
                    tidy.close()
            return Result(name, progress.counts.changed, progress.changes, time.monotonic() - started)

    def _checkpoint(self, stack: str) -> dict[str, Any] | None:
        """The stack's state; None where the backend is not a folder or the stack never ran."""
        path = self._home.state_file(stack)
        if path is None:
            return None
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def _expected(self, stack: str) -> int | None:
        checkpoint = self._checkpoint(stack)
        return (state.handled(checkpoint) or None) if checkpoint else None

    def _mend(self, stack: str) -> None:
        """Undoes what a killed run left: a lock without a living holder, operations noted as unfinished. A run that
        is still alive holds the lock, which refuses the mending."""
        checkpoint = self._checkpoint(stack)
        if checkpoint is None:
            return
        self._break_dead_lock(stack)
        if state.has_pending(checkpoint):
            exported = json.loads(self._command(["stack", "export", "--stack", stack], stack))
            settled = self._home.path / f".settled.{stack}.json"
            write_private(settled, json.dumps(repair.settle(exported)))
            try:
                self._command(["stack", "import", "--file", str(settled), "--stack", stack], stack)
            finally:
                settled.unlink()

    def _break_dead_lock(self, stack: str) -> None:
        base = Path(self._home.backend_url.removeprefix("file://"))
        folder = base / ".pulumi" / "locks" / "organization" / PROJECT / stack
        for lock in folder.glob("*.json") if folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
                held = json.loads(lock.read_text(encoding="utf-8"))
                if held["hostname"] == socket.gethostname() and not _is_pulumi(int(held["pid"])):
                    lock.unlink()


def _run(
    stack: Stack, operation: str, program: PulumiFn | None, refresh: bool, listen: Callable[[EngineEvent], None]
) -> None:
    if operation == "preview":
        stack.preview(program=program, on_event=listen, color="never")
    elif operation == "up":
        stack.up(
            program=program,
            on_event=listen,
            color="never",
            refresh=refresh or None,
            show_secrets=False,
            parallel=_PARALLEL,
        )
    elif operation == "refresh":
        stack.refresh(on_event=listen, color="never", show_secrets=False)
    else:
        stack.destroy(on_event=listen, color="never", refresh=refresh or None, show_secrets=False, parallel=_PARALLEL)


def _translated(
    stack: str, error: CommandError, progress: Progress | None = None, *, stopped: bool = False
) -> EngineError:
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


@contextlib.contextmanager
def _exclusively(stack: str) -> Iterator[None]:
    if not _one_at_a_time.acquire(blocking=False):
        raise EngineBusy("This process already runs an operation.", stack=stack, remedy="Wait until it has finished.")
    try:
        yield
    finally:
        _one_at_a_time.release()
