"""Quotas as values: what a tenant or workspace may use at most, in base units, with the arithmetic over them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
_FACTOR = {
    None: Decimal(1), "m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9),
    "T": Decimal(10**12), "P": Decimal(10**15), "Ki": Decimal(2**10), "Mi": Decimal(2**20),
    "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
}  # fmt: skip


def parse_quantity(text: str) -> Decimal:
    """A Kubernetes quantity such as `500m`, `2`, `4Gi` in base units. Raises ValueError on anything else."""
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or len(text) > 20:
        raise ValueError(f"not a quantity: {text!r}; write it as 500m, 2 or 4Gi")
    return Decimal(match[1]) * _FACTOR[match[2]]


def _millicores(value: object) -> object:
    return int(parse_quantity(value) * 1000) if isinstance(value, str) else value


def _bytes(value: object) -> object:
    return int(parse_quantity(value)) if isinstance(value, str) else value


Millicores = Annotated[int, BeforeValidator(_millicores), Field(ge=0, le=10_000_000)]
Bytes = Annotated[int, BeforeValidator(_bytes), Field(ge=0, le=2**60)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class Quota(BaseModel):
    """Upper bounds. `cpu` in millicores, `memory` and `storage` in bytes; strings such as `500m` or `4Gi` are read.

    `gpus` maps a GPU class (an extended resource name such as `nvidia.com/gpu`) to a number of devices.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: Millicores
    memory: Bytes
    storage: Bytes
    pods: Count = 50
    gpus: Mapping[str, Count] = Field(default_factory=dict)

    def __add__(self, other: Quota) -> Quota:
        return Quota(
            cpu=self.cpu + other.cpu, memory=self.memory + other.memory, storage=self.storage + other.storage,
            pods=self.pods + other.pods,
            gpus={g: self.gpus.get(g, 0) + other.gpus.get(g, 0) for g in sorted({*self.gpus, *other.gpus})},
        )  # fmt: skip

    def exceeds(self, limit: Quota) -> tuple[str, ...]:
        """Names of the resources in which this quota is above `limit`; empty when it fits."""
        over = [n for n in ("cpu", "memory", "storage", "pods") if getattr(self, n) > getattr(limit, n)]
        return (*over, *(g for g, n in sorted(self.gpus.items()) if n > limit.gpus.get(g, 0)))


ZERO = Quota(cpu=0, memory=0, storage=0, pods=0)
