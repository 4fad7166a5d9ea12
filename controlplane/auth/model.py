"""Who calls, and with what right: principals, accounts, sessions and tokens as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from components.names import Role
from controlplane.model import Command, Paging, Slug, Title, View


class Via(StrEnum):
    """How somebody showed who they are."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105
    SYSTEM = "system"


class Scope(StrEnum):
    """What a token may be used for; a session may do everything its person may."""

    READ = "read"
    """Reading through this API."""
    WRITE = "write"
    """Reading and changing through this API."""
    TRACKING = "tracking"
    """Passing the gateway to MLflow and the other components."""
    KUBERNETES = "kubernetes"
    """Passing the gateway to the Kubernetes API, there with the rights of the person in the tenants."""


@dataclass(frozen=True)
class Principal:
    """Who calls. Built afresh from the database at every request, so that a change of rights acts at once."""

    name: str
    """Account name, or the part of the system that acts, such as `watcher`."""
    via: Via
    account_id: UUID | None = None
    platform_admin: bool = False
    roles: Mapping[UUID, Role] = field(default_factory=dict)
    """Tenant id → the strongest role, from the account itself and its groups."""
    scopes: frozenset[Scope] = frozenset(Scope)
    tenant_only: UUID | None = None
    """A token made for one tenant reaches nothing else."""
    session_hash: bytes = field(default=b"", repr=False)
    """SHA-256 of the session's secret, to tell the own session from others."""
    credential: str = ""
    """What the audit says was shown: `session:<short hash>` or `token:<id>`."""

    @property
    def actor(self) -> str:
        return f"system:{self.name}" if self.via is Via.SYSTEM else f"user:{self.name}"


@dataclass(frozen=True)
class Origin:
    """Where a request came from, for the audit and for limits."""

    request_id: str = ""
    address: str = ""


AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$", max_length=63)]
Group = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:+-]{0,99}$")]
Password = Annotated[str, StringConstraints(min_length=12, max_length=200)]


class Account(View):
    id: UUID
    name: str
    title: str
    platform_admin: bool
    groups: tuple[str, ...]
    disabled: bool
    version: int
    created_at: datetime
    last_login_at: datetime | None


class AccountCreate(Command):
    name: AccountName
    title: Title | None = None
    password: Annotated[Password, Field(repr=False)]
    platform_admin: bool = False
    groups: Annotated[tuple[Group, ...], Field(max_length=100)] = ()


class AccountUpdate(Command):
    title: Title | None = None
    password: Annotated[Password | None, Field(repr=False)] = None
    platform_admin: bool | None = None
    groups: Annotated[tuple[Group, ...], Field(max_length=100)] | None = None
    disabled: bool | None = None


class AccountQuery(Paging):
    pass


class PasswordChange(Command):
    current: Annotated[str, StringConstraints(max_length=200), Field(repr=False)]
    new: Annotated[Password, Field(repr=False)]


class Login(Command):
    account: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=200), Field(repr=False)]


class SessionStarted(View):
    """`csrf` goes into the header X-CSRF-Token of every change made with the session's cookie."""

    account: str
    csrf: Annotated[str, Field(repr=False)]
    expires_at: datetime


@dataclass(frozen=True)
class NewSession:
    """The only time a session's secret is seen. It goes into the cookie and is stored as a hash."""

    secret: str = field(repr=False)
    csrf: str = field(repr=False)
    expires_at: datetime
    principal: Principal


class TenantRole(View):
    tenant: str
    title: str
    role: Role
    state: str


class Me(View):
    account: str
    title: str
    platform_admin: bool
    tenants: tuple[TenantRole, ...]
    via: Via
    scopes: tuple[Scope, ...]


class TokenCreate(Command):
    name: Title
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=len(Scope))] = tuple(Scope)
    tenant: Slug | None = None
    """Narrow it to one tenant."""
    expires_at: AwareDatetime | None = None
    """Default in 30 days, at most in 365."""


class LoginToken(Login):
    """Account and password for a token. `name` says where it is used; `hours` is its life."""

    name: Title = "login"
    hours: Annotated[int, Field(ge=1, le=24 * 30)] = 12


class Token(View):
    id: UUID
    name: str
    hint: str
    """The first characters, to recognise it by."""
    scopes: tuple[Scope, ...]
    tenant: str | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewToken(View):
    """`secret` is shown this once; only its SHA-256 is kept."""

    token: Token
    secret: str = Field(repr=False)
