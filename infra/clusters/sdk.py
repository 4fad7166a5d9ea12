"""What the clouds' own SDKs say of their resources: names and types of inputs and outputs. Offline.

The Pulumi SDKs are generated from the providers' schemas; their classes are the only copy of those schemas that comes
with a package. Names here are Pulumi's (camelCase), as in `Declared.properties`.
"""

from __future__ import annotations

import difflib
import enum
import importlib
import inspect
import types
import typing
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pulumi import Output, _types
from pulumi.runtime import rpc

PACKAGES: Mapping[str, str] = {"aws": "pulumi_aws", "gcp": "pulumi_gcp", "azure-native": "pulumi_azure_native"}
"""Package of a type token → Python module. Their providers are the clouds."""

UNKNOWN: str = rpc.UNKNOWN
"""What the engine writes for a value that is only known later; it fits every type."""


@dataclass(frozen=True)
class Kind:
    """One resource type."""

    token: str
    inputs: Mapping[str, Any]
    """Name → Python type, such as `str` or an input class of the SDK."""
    required: frozenset[str]
    outputs: Mapping[str, Any]
    """Name → Python type; inputs are among them."""


@dataclass(frozen=True)
class Wrong:
    """One property that the SDK would not take."""

    path: str
    """Such as `vpcConfig.subnetIds[0]`."""
    reason: str


def package_of(token: str) -> str:
    """The package of a type token; of a provider's own token, such as `pulumi:providers:aws`, that provider's."""
    parts = token.split(":")
    return parts[2] if parts[:2] == ["pulumi", "providers"] else parts[0]


def known(token: str) -> bool:
    """Whether the type is a cloud's; `kind` has an answer or a reason then."""
    return package_of(token) in PACKAGES


@cache
def kind(token: str) -> Kind:
    """The type behind a token. Raises LookupError where the installed SDK has none such."""
    cls = _class(token)
    module = importlib.import_module(cls.__module__)
    # A nested type may have taken the usual name.
    (arguments,) = (getattr(module, name) for name in module.__all__ if name.endswith("Args"))

    return Kind(token, _input_types(arguments), _required(arguments), dict(_types.resource_types(cls)))


def _class(token: str) -> type:
    package = package_of(token)
    if package not in PACKAGES:
        raise LookupError(f"{token} is no resource of a cloud; those begin with {', '.join(sorted(PACKAGES))}")
    module = importlib.import_module(PACKAGES[package])
    if token.startswith("pulumi:providers:"):
        return typing.cast(type, module.Provider)
    found = rpc.get_resource_module(package, token.split(":")[1] if token.count(":") == 2 else "", "")
    classes: Mapping[str, str] = found.mod_info["classes"] if found else {}  # type: ignore[attr-defined]
    if token not in classes:
        raise LookupError(f"{PACKAGES[package]} has no resource type {token}")
    with warnings.catch_warnings():
        # The SDKs warn of classes of their own that they merely define.
        warnings.simplefilter("ignore", DeprecationWarning)
        home = importlib.import_module(found.mod_info["fqn"])  # type: ignore[union-attr]
        return typing.cast(type, getattr(home, classes[token]))


def _input_types(cls: type) -> dict[str, Any]:
    return dict(_types.input_type_types(cls))


def _required(cls: type) -> frozenset[str]:
    names = _types.input_type_py_to_pulumi_names(cls)
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    return frozenset(names[each.name] for each in parameters if each.default is inspect.Parameter.empty)


def wrong_inputs(token: str, inputs: Mapping[str, Any]) -> tuple[Wrong, ...]:
    """Everything in these inputs that the SDK's types refuse: unknown names, other types, missing required ones.

    Values are plain data, secrets opened; UNKNOWN fits everywhere. Raises LookupError for an unknown token.
    """
    return tuple(_wrong_object(inputs, kind(token), "", package_of(token) == "azure-native"))


def _wrong_object(value: Mapping[str, Any], shape: Kind, path: str, closed: bool) -> Iterator[Wrong]:
    for name in value:
        below = f"{path}.{name}" if path else name
        if name not in shape.inputs:
            yield Wrong(below, f"{shape.token} has no property {name!r}{_nearest(name, shape.inputs)}")
        elif value[name] is not None:
            yield from _wrong(value[name], shape.inputs[name], below, closed)
    for name in sorted(shape.required - {key for key, given in value.items() if given is not None}):
        yield Wrong(f"{path}.{name}" if path else name, f"{shape.token} requires {name!r}")


def _nearest(name: str, inputs: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, inputs, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _wrong(value: Any, expected: Any, path: str, closed: bool) -> Iterator[Wrong]:
    """`closed`: whether the values of enums are all there are; AWS and Google keep theirs open in the API."""
    if value == UNKNOWN or value is None:
        return
    fitting = choices(expected)
    if any(choice is Any for choice in fitting):
        return
    problems: list[list[Wrong]] = []
    for choice in fitting:
        found = list(_wrong_choice(value, choice, path, closed))
        if not found:
            if choice is str and closed and (unlisted := _not_listed(value, fitting)):
                yield Wrong(path, unlisted)
            return
        problems.append(found)
    deepest = max(problems, key=lambda found: len(found[0].path))
    if len(deepest[0].path) > len(path) or len(problems) == 1:
        yield from deepest
    else:
        yield Wrong(path, f"is {_described(value)}, must be {' or '.join(sorted(map(_named, fitting)))}")


def _not_listed(value: str, fitting: Sequence[Any]) -> str:
    for choice in fitting:
        if _is_enum(choice) and value not in _members(choice):
            return f"is {value!r}, must be one of {', '.join(map(repr, _members(choice)))}"
    return ""


def _wrong_choice(value: Any, expected: Any, path: str, closed: bool) -> Iterator[Wrong]:
    origin = typing.get_origin(expected)
    if isinstance(expected, type) and _types.is_input_type(expected):
        if isinstance(value, Mapping):
            shape = Kind(expected.__name__.removesuffix("Args"), _input_types(expected), _required(expected), {})
            yield from _wrong_object(value, shape, path, closed)
            return
    elif origin in _SEQUENCES:
        if isinstance(value, list | tuple):
            (item,) = typing.get_args(expected)
            for index, each in enumerate(value):
                yield from _wrong(each, item, f"{path}[{index}]", closed)
            return
    elif origin in _MAPPINGS or expected is dict:
        if isinstance(value, Mapping):
            item = (typing.get_args(expected) or (str, Any))[1]
            for key, each in value.items():
                yield from _wrong(each, item, f"{path}[{key!r}]", closed)
            return
    elif _is_enum(expected):
        if value in _members(expected):
            return
    elif _is_plain(value, expected):
        return
    yield Wrong(path, f"is {_described(value)}, must be {_named(expected)}")


_SEQUENCES = (list, Sequence)
_MAPPINGS = (dict, Mapping)


def _is_plain(value: Any, expected: Any) -> bool:
    if expected is bool:
        return isinstance(value, bool)
    if expected is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if expected is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if expected is str:
        return isinstance(value, str)
    return False


def choices(expected: Any) -> tuple[Any, ...]:
    """The types that may stand here: Optional, Input and unions taken apart, the classes of typed dicts left out."""
    if isinstance(expected, typing.ForwardRef):
        return ()
    if typing.get_origin(expected) in (typing.Union, types.UnionType):
        flat = [choice for each in typing.get_args(expected) for choice in choices(each)]
        return tuple(dict.fromkeys(flat))
    origin = typing.get_origin(expected)
    if expected is type(None) or origin is Output or expected is Output or _is_awaitable(origin):
        return ()
    if typing.is_typeddict(expected):
        return ()
    return (expected,)


def _is_awaitable(origin: Any) -> bool:
    return isinstance(origin, type) and origin.__name__ == "Awaitable"


def _is_enum(expected: Any) -> bool:
    return isinstance(expected, type) and issubclass(expected, enum.Enum)


def _members(expected: Any) -> list[Any]:
    return [member.value for member in expected]


def _named(expected: Any) -> str:
    if _is_enum(expected):
        return f"one of {', '.join(map(repr, _members(expected)))}"
    origin = typing.get_origin(expected)
    if origin in _SEQUENCES:
        return "a list"
    if origin in _MAPPINGS or expected is dict:
        return "a map"
    plain = {str: "a string", int: "an integer", float: "a number", bool: "true or false"}
    return plain.get(expected, getattr(expected, "__name__", str(expected)).removesuffix("Args"))


def _described(value: Any) -> str:
    """What stands there, by its type: the value itself may be a secret."""
    for cls, words in ((bool, "true or false"), (str, "a string"), (int, "an integer"), (float, "a number")):
        if isinstance(value, cls):
            return words
    return "a map" if isinstance(value, Mapping) else "a list"
