"""Keeps the API server's list of people's groups in step with the tenants there are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from controlplane.errors import ControlPlaneError
from controlplane.runtime import Runtime, system
from controlplane.tenants import repository

log = logging.getLogger(__name__)


class PeopleRole(Protocol):
    """`controlplane.reconcile.people` has the real one."""

    def keep(self, tenants: Callable[[], Iterable[str]]) -> bool: ...


class People:
    """Best effort wherever it is called; the watcher's comparison every few minutes catches what was missed.

    The list grants nothing: it bounds. A group that is missing keeps a tenant's people out, and one too many admits
    nobody, since the gate names the groups of a call from the database.
    """

    def __init__(self, runtime: Runtime, role: PeopleRole) -> None:
        self._runtime = runtime
        self._role = role

    def keep(self) -> bool:
        """True where the list was as wanted or is so now."""
        try:
            if self._role.keep(self._tenants):
                log.info("the list of people's groups was written")
        except ControlPlaneError as error:
            log.warning("the list of people's groups is not as wanted", extra={"cause": str(error)})
            return False
        return True

    def _tenants(self) -> list[str]:
        with self._runtime.work(system("people")) as work:
            return repository.active_slugs(work.session)
