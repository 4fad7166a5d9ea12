"""Small types that every part of a profile is made of."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from components.names import SLUG, SLUG_MAX


class Closed(BaseModel):
    """Base of every part: unknown keys are errors, values cannot change."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)


def _slug(value: str) -> str:
    if not SLUG.fullmatch(value):
        raise ValueError(f"must be 1 to {SLUG_MAX} lower-case letters, digits, single dashes; a letter first")
    return value


def _cidr(value: str) -> str:
    network = ipaddress.ip_network(value)
    if network.version != 4 or not network.is_private:
        raise ValueError("must be a private IPv4 range such as 10.96.0.0/16")
    return str(network)


def _registry(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)*/", value):
        raise ValueError("must be a host with an optional path, ending in '/', such as registry.example.com/mlp/")
    return value


Slug = Annotated[str, AfterValidator(_slug)]
Cidr = Annotated[str, AfterValidator(_cidr)]
Registry = Annotated[str, AfterValidator(_registry)]
Port = Annotated[int, Field(ge=1024, le=65535)]
