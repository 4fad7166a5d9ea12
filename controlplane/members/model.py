"""Members: which account or group has which role in a tenant."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, StringConstraints

from components.names import Role
from controlplane.model import Command, Paging, View


class MemberKind(StrEnum):
    ACCOUNT = "account"
    GROUP = "group"


Subject = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:+-]{0,99}$")]
"""An account's or a group's name. No separator that headers or commas would split."""


class Member(View):
    id: UUID
    tenant: str
    kind: MemberKind
    subject: str
    role: Role
    expires_at: datetime | None
    version: int
    created_at: datetime


class MemberCreate(Command):
    kind: MemberKind = MemberKind.ACCOUNT
    subject: Subject
    role: Role
    expires_at: AwareDatetime | None = None


class MemberUpdate(Command):
    role: Role


class MemberQuery(Paging):
    role: Role | None = None
