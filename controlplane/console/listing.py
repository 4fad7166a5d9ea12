"""Lists whose whole state is in the address: search, filters and the page, so that a link shows the same again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

PAGE_SIZE = 50


@dataclass(frozen=True)
class Listing:
    """The address of one list: its path and the query arguments it knows. Unknown arguments are dropped."""

    path: str
    arguments: Mapping[str, str]

    @classmethod
    def read(cls, path: str, given: Mapping[str, str], known: tuple[str, ...]) -> Listing:
        """`known` filters, beside `search` and `cursor`. Empty arguments count as absent."""
        names = ("search", *known, "cursor")
        return cls(path, {n: given[n].strip() for n in names if given.get(n, "").strip()})

    def get(self, name: str) -> str:
        return self.arguments.get(name, "")

    def url(self, **changes: str | None) -> str:
        """This list with other arguments; None or empty removes one. A change of a filter goes back to page one."""
        merged = {**self.arguments, **{k: v or "" for k, v in changes.items()}}
        if "cursor" not in changes:
            merged.pop("cursor", None)
        query = urlencode({k: v for k, v in merged.items() if v})
        return f"{self.path}?{query}" if query else self.path

    @property
    def filtered(self) -> bool:
        return any(name != "cursor" for name in self.arguments)

    def query(self, **fixed: object) -> dict[str, object]:
        """For a service's query model."""
        return {"limit": PAGE_SIZE, **self.arguments, **fixed}
