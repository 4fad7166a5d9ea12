"""Asking and answering."""

from __future__ import annotations

from uuid import UUID

from controlplane.model import Page
from controlplane.requests.model import Answer, Preview, Request, RequestCreate, RequestQuery, Want
from controlplane.work import Work


class RequestService:
    """Members ask; the tenant's rules or an approver answer. Nobody approves what they asked for themselves,
    except platform admins and tenant admins inside their own rights."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def preview(self, tenant: str, want: Want) -> Preview:
        """The consequences, without making anything."""
        raise NotImplementedError

    def create(self, tenant: str, command: RequestCreate) -> Request:
        """State `approved` with an operation where the rules allow it, else `pending`."""
        raise NotImplementedError

    def get(self, request: UUID) -> Request:
        raise NotImplementedError

    def list(self, query: RequestQuery) -> Page[Request]:
        """Newest first: own requests, those of tenants the caller administers, all for platform admins."""
        raise NotImplementedError

    def approve(self, request: UUID, answer: Answer) -> Request:
        """Carries it out in the same transaction. Conflict when it is not pending; Refused when it no longer fits."""
        raise NotImplementedError

    def reject(self, request: UUID, answer: Answer) -> Request:
        raise NotImplementedError

    def withdraw(self, request: UUID) -> Request:
        """By the one who asked."""
        raise NotImplementedError
