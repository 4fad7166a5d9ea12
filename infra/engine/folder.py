"""Where the stacks' state lies: a folder of this machine here, buckets in infra.clouds.state.

Names are paths below the place, such as `.pulumi/stacks/mlp/cluster.json`. The CLI reads and writes the state itself;
what is here serves what it can't: a first use, quick reads, and knowing who holds a lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from infra.engine.errors import EngineError


class StateUnreachable(EngineError):
    """The place of the state can't be reached, made or trusted; the message has the reason and the remedy."""


class StateFolder(Protocol):
    """One place. Every method raises StateUnreachable."""

    @property
    def url(self) -> str:
        """As the CLI takes it."""

    def ensure(self) -> bool:
        """Makes the place where it is missing; says whether it did."""

    def names(self, prefix: str) -> tuple[str, ...]:
        """Names of everything below a prefix that ends in `/`, sorted; none where the place was not made yet."""

    def read(self, name: str) -> str | None:
        """The text; None where there is no such name."""

    def write(self, name: str, text: str) -> None:
        """Puts or replaces the text at once."""

    def delete(self, name: str) -> None:
        """Removes the name; nothing happens where there is none."""


_SIDECARS = "*.attrs"


class FileFolder:
    """A folder of this machine.

    The CLI is told to write no attributes beside its files: it writes them in place, and one that was cut off makes the
    state unreadable. Those of earlier runs hold nothing that is needed, and are removed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def url(self) -> str:
        return f"file://{self.root}?metadata=skip"

    def ensure(self) -> bool:
        missing = not self.root.is_dir()
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StateUnreachable(
                f"The folder {self.root} of the state can't be made: {error.strerror}.",
                remedy="Choose another one in the profile's state.backend, or give this account the right to write.",
            ) from error
        for path in self.root.rglob(_SIDECARS):
            path.unlink(missing_ok=True)
        return missing

    def names(self, prefix: str) -> tuple[str, ...]:
        found = (self.root / prefix).rglob("*")
        return tuple(sorted(str(path.relative_to(self.root)) for path in found if path.is_file()))

    def read(self, name: str) -> str | None:
        try:
            return (self.root / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)

    def delete(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)
