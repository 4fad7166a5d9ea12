"""Looking at operations and starting them afresh; `operations.runner` runs them."""

from __future__ import annotations

from uuid import UUID

from controlplane.model import Page
from controlplane.operations.model import Operation, OperationQuery
from controlplane.work import Work


class OperationService:
    """Members see the operations of their tenants; tenant admins retry them."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def get(self, operation: UUID) -> Operation:
        raise NotImplementedError

    def list(self, query: OperationQuery) -> Page[Operation]:
        """Newest first."""
        raise NotImplementedError

    def retry(self, operation: UUID) -> Operation:
        """Only parked, failed or waiting ones; Conflict otherwise. Attempts count from zero again."""
        raise NotImplementedError
