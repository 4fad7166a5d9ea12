"""Quotas as the API speaks them: strings such as `500m` and `4Gi`, so that a bare number is never misread."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from components.quantities import format_bytes, format_cpu
from controlplane.quotas.model import Count, Quota, parse_quantity


def _quantity(value: object) -> object:
    if isinstance(value, str):
        parse_quantity(value)
    return value


Quantity = Annotated[
    str,
    BeforeValidator(_quantity),
    StringConstraints(pattern=r"^[0-9]{1,15}(?:\.[0-9]{1,3})?(?:m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$", max_length=20),
]
"""A Kubernetes quantity."""
GpuClass = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9](?:[-a-z0-9.]{0,60}/)?[-a-z0-9.]{0,60}$", max_length=120)
]


class QuotaText(BaseModel):
    """A quota as taken from a caller: `cpu` in cores, `memory` and `storage` in bytes, as Kubernetes quantities."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [
        {"cpu": "2", "memory": "4Gi", "storage": "10Gi", "pods": 20}]})  # fmt: skip

    cpu: Quantity
    memory: Quantity
    storage: Quantity
    pods: Count = 50
    gpus: Annotated[dict[GpuClass, Count], Field(max_length=16)] = Field(default_factory=dict)

    def quota(self) -> Quota:
        """In base units. Raises pydantic's ValidationError where a quantity is beyond what a quota may hold."""
        return Quota.model_validate(self.model_dump())


def quota_text(quota: Quota) -> dict[str, Any]:
    """The canonical text form."""
    return {
        "cpu": format_cpu(quota.cpu), "memory": format_bytes(quota.memory), "storage": format_bytes(quota.storage),
        "pods": quota.pods, "gpus": dict(quota.gpus),
    }  # fmt: skip


ShownQuota = Annotated[Quota, PlainSerializer(quota_text, return_type=dict[str, Any], when_used="json")]
"""A Quota inside a view: base units in Python, text in JSON."""


def _taken(value: object) -> object:
    if isinstance(value, Quota):
        return value
    return QuotaText.model_validate(value).quota()


TakenQuota = Annotated[
    Quota,
    BeforeValidator(_taken, json_schema_input_type=QuotaText),
    PlainSerializer(quota_text, return_type=dict[str, Any], when_used="json"),
]
"""A Quota inside a command: the text form from a caller, or a Quota from Python. Its JSON can be read again."""
