"""Isolation of tenants: cluster-wide roles, admission policies, fair queues and priorities."""

from components.contract import Component
from components.isolation.objects import objects
from components.isolation.settings import IsolationSettings

COMPONENT = Component(
    name="isolation",
    version="1",
    summary="Roles, admission policies, priorities and fair queues of tenants",
    settings=IsolationSettings,
    objects=objects,
)
