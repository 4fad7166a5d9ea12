"""Reads a profile: finds the file, follows `extends`, applies `--set`, validates, and reports every error at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from infra.profile.errors import Problem, ProfileInvalid, ProfileNotFound
from infra.profile.model import Profile

SHIPPED = Path(__file__).resolve().parents[2] / "profiles"
_MAX_BYTES = 256 * 1024
_MAX_EXTENDS = 8


def load(name_or_path: str, overrides: Iterable[str] = ()) -> Profile:
    """The validated profile of that name (in ./profiles or the shipped ones) or path.

    `overrides` are `dotted.path=value` with YAML values, applied last. Raises ProfileNotFound or ProfileInvalid.
    """
    path = find(name_or_path)
    document = _read(path, ())
    problems: list[Problem] = []
    for override in overrides:
        _override(document, override, problems)
    return validate(document, str(path), problems)


def validate(document: Mapping[str, Any], source: str, problems: Iterable[Problem] = ()) -> Profile:
    """The document as a Profile. Raises ProfileInvalid with every problem, those given included."""
    found = list(problems)
    try:
        profile = Profile.model_validate(document)
    except ValidationError as error:
        for item in error.errors():
            path = ".".join(str(part) for part in item["loc"])
            found.append(Problem(path, _sentence(item), None if _is_container(item["input"]) else item["input"]))
    if found:
        raise ProfileInvalid(source, tuple(found))
    return profile


def find(name_or_path: str) -> Path:
    """The file of a profile name or path."""
    if name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path:
        path = Path(name_or_path).expanduser()
        if path.is_file():
            return path
        raise ProfileNotFound(f"No profile at {path}. Give a path that exists, or one of: {', '.join(shipped())}.")
    for folder in (Path("profiles"), SHIPPED):
        path = folder / f"{name_or_path}.yaml"
        if path.is_file():
            return path
    raise ProfileNotFound(f"No profile named {name_or_path!r}. There are: {', '.join(shipped())}.")


def shipped() -> list[str]:
    """Names of the profiles that come with the project."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def _read(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    path = path.resolve()
    if path in seen or len(seen) >= _MAX_EXTENDS:
        chain = " → ".join(str(p) for p in (*seen, path))
        raise ProfileInvalid(
            str(path), (Problem("extends", f"must not form a loop or a chain above {_MAX_EXTENDS}: {chain}"),)
        )
    document = _parse(path)
    base = document.pop("extends", None)
    if base is None:
        return document
    if not isinstance(base, str):
        raise ProfileInvalid(str(path), (Problem("extends", "must be the name or path of one profile", base),))
    relative = path.parent / base
    base_path = relative if relative.is_file() else find(base)
    return merge(_read(base_path, (*seen, path)), document)


def _parse(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MAX_BYTES:
        raise ProfileInvalid(str(path), (Problem("", f"is larger than {_MAX_BYTES // 1024} KiB"),))
    try:
        document = yaml.load(path.read_text("utf-8"), Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError:
        raise ProfileInvalid(str(path), (Problem("", "is not UTF-8 text"),)) from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}, column {where.column + 1}" if where else ""
        what = getattr(error, "problem", None) or str(error)
        raise ProfileInvalid(str(path), (Problem("", f"is not valid YAML{line}: {what}"),)) from None
    if not isinstance(document, dict):
        raise ProfileInvalid(str(path), (Problem("", "must be a mapping of keys to values"),))
    return document


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key written twice (plain YAML keeps the last one silently) and aliases (small files can explode)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in keys:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} is there twice", problem_mark=key_node.start_mark)
            keys.add(key if isinstance(key, str) else repr(key))
        return super().construct_mapping(node, deep)


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings are merged key by key; anything else in `over` replaces what `base` has, lists included."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _override(document: dict[str, Any], text: str, problems: list[Problem]) -> None:
    path, separator, raw = text.partition("=")
    keys = path.split(".")
    if not separator or not all(keys):
        problems.append(Problem("--set", "must be dotted.path=value", text))
        return
    try:
        value = yaml.safe_load(raw)
    except yaml.YAMLError:
        problems.append(Problem(path, "has a value that is not valid YAML", raw))
        return
    target = document
    for key in keys[:-1]:
        below = target.get(key)
        target[key] = dict(below) if isinstance(below, dict) else {}
        target = target[key]
    target[keys[-1]] = value


def _is_container(value: object) -> bool:
    return isinstance(value, dict | list | tuple) or hasattr(value, "model_fields")


def _sentence(item: Mapping[str, Any]) -> str:
    """Pydantic's message in the words of a profile."""
    match item["type"]:
        case "extra_forbidden":
            return "is not a key of a profile here; look for a typo"
        case "missing":
            return "is required"
        case "value_error":
            return str(item["ctx"]["error"])
        case _:
            return str(item["msg"]).replace("Input should be", "must be")
