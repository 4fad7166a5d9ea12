"""Accounts, sessions, tokens and failed logins."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, delete, func, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from controlplane.db import Base, contains


class AccountRow(Base):
    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    password_hash: Mapped[str]
    platform_admin: Mapped[bool] = mapped_column(default=False)
    groups: Mapped[list[str]]
    disabled: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


class SessionRow(Base):
    """`secret_hash` is the SHA-256 of the cookie's value."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_account_id", "account_id"), Index("ix_sessions_expires_at", "expires_at"))

    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """The absolute end, whatever is done with it."""
    address: Mapped[str]


class TokenRow(Base):
    __tablename__ = "tokens"
    __table_args__ = (Index("ix_tokens_account_id", "account_id", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str]
    scopes: Mapped[list[str]]
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LoginFailureRow(Base):
    """Failed logins in a row, per `account:<name>` and per `address:<ip>`."""

    __tablename__ = "login_failures"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]


def account_by_name(session: Session, name: str, *, lock: bool = False) -> AccountRow | None:
    query = select(AccountRow).where(AccountRow.name == name)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def account_by_id(session: Session, account: UUID) -> AccountRow | None:
    return session.get(AccountRow, account)


def account_names(session: Session, accounts: set[UUID]) -> dict[UUID, str]:
    rows = session.execute(select(AccountRow.id, AccountRow.name).where(AccountRow.id.in_(accounts)))
    return dict(iter(rows))


def accounts_page(session: Session, *, after: str | None, limit: int, search: str | None) -> list[AccountRow]:
    query = select(AccountRow).order_by(AccountRow.name).limit(limit + 1)
    if after is not None:
        query = query.where(AccountRow.name > after)
    if search:
        pattern = contains(search)
        query = query.where(
            or_(AccountRow.name.ilike(pattern, escape="\\"), AccountRow.title.ilike(pattern, escape="\\"))
        )
    return list(session.scalars(query))


def active_admins(session: Session, *, lock: bool = False) -> list[UUID]:
    """Platform admins that can sign in."""
    query = select(AccountRow.id).where(AccountRow.platform_admin, AccountRow.disabled.is_(False))
    if lock:
        query = query.order_by(AccountRow.id).with_for_update()
    return list(session.scalars(query))


def session_by_hash(session: Session, secret_hash: bytes) -> tuple[SessionRow, AccountRow] | None:
    row = session.execute(
        select(SessionRow, AccountRow)
        .join(AccountRow, AccountRow.id == SessionRow.account_id)
        .where(SessionRow.secret_hash == secret_hash)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def end_sessions(session: Session, account: UUID, *, keep: bytes | None = None) -> None:
    query = delete(SessionRow).where(SessionRow.account_id == account)
    if keep is not None:
        query = query.where(SessionRow.secret_hash != keep)
    session.execute(query)


def end_session(session: Session, secret_hash: bytes) -> UUID | None:
    """The account it belonged to; None when there was none."""
    return session.scalar(
        delete(SessionRow).where(SessionRow.secret_hash == secret_hash).returning(SessionRow.account_id)
    )


def token_by_hash(session: Session, secret_hash: bytes) -> tuple[TokenRow, AccountRow] | None:
    row = session.execute(
        select(TokenRow, AccountRow)
        .join(AccountRow, AccountRow.id == TokenRow.account_id)
        .where(TokenRow.secret_hash == secret_hash)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def tokens_page(
    session: Session, account: UUID, *, tenant: UUID | None, ended_since: datetime, after: tuple[datetime, UUID] | None,
    limit: int, search: str | None,
) -> list[TokenRow]:  # fmt: skip
    query = (
        select(TokenRow)
        .where(TokenRow.account_id == account, TokenRow.expires_at > ended_since)
        .where(or_(TokenRow.revoked_at.is_(None), TokenRow.revoked_at > ended_since))
        .order_by(TokenRow.created_at.desc(), TokenRow.id.desc())
        .limit(limit + 1)
    )
    if tenant is not None:
        query = query.where(TokenRow.tenant_id == tenant)
    if search:
        query = query.where(TokenRow.name.ilike(contains(search), escape="\\"))
    if after is not None:
        query = query.where(
            or_(TokenRow.created_at < after[0], (TokenRow.created_at == after[0]) & (TokenRow.id < after[1]))
        )
    return list(session.scalars(query))


def mark_used(session: Session, token: UUID, now: datetime) -> None:
    session.execute(update(TokenRow).where(TokenRow.id == token).values(used_at=now))


def mark_seen(session: Session, secret_hash: bytes, now: datetime) -> None:
    session.execute(update(SessionRow).where(SessionRow.secret_hash == secret_hash).values(seen_at=now))


def failure(session: Session, key: str) -> LoginFailureRow | None:
    return session.get(LoginFailureRow, key)


def count_failure(session: Session, key: str, now: datetime, forget_before: datetime) -> int:
    """Counts one more and gives the number; older ones than `forget_before` are forgotten. Safe in parallel."""
    failures: int = session.execute(
        text(
            "INSERT INTO login_failures (key, failures, last_at) VALUES (:key, 1, :now) "
            "ON CONFLICT (key) DO UPDATE SET last_at = :now, failures = CASE "
            "WHEN login_failures.last_at < :forget THEN 1 ELSE login_failures.failures + 1 END RETURNING failures"
        ),
        {"key": key, "now": now, "forget": forget_before},
    ).scalar_one()
    return failures


def block(session: Session, key: str, until: datetime) -> None:
    session.execute(update(LoginFailureRow).where(LoginFailureRow.key == key).values(blocked_until=until))


def uncount(session: Session, key: str) -> None:
    """Take one back: the attempt was right."""
    session.execute(
        update(LoginFailureRow)
        .where(LoginFailureRow.key == key, LoginFailureRow.failures > 0)
        .values(failures=LoginFailureRow.failures - 1)
    )


def forget_failures(session: Session, key: str) -> None:
    session.execute(delete(LoginFailureRow).where(LoginFailureRow.key == key))


def clean(session: Session, *, now: datetime, idle_before: datetime, failures_before: datetime) -> int:
    """Remove sessions that are over and failures long past. Gives the number of sessions removed."""
    done = session.execute(
        delete(SessionRow)
        .where(or_(SessionRow.expires_at <= now, SessionRow.seen_at <= idle_before))
        .returning(SessionRow.account_id)
    )
    session.execute(delete(LoginFailureRow).where(LoginFailureRow.last_at <= failures_before))
    return len(done.all())


def count_sessions(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(SessionRow)) or 0


def revoke_tokens_of_tenant(session: Session, tenant: UUID, now: datetime) -> None:
    session.execute(
        update(TokenRow).where(TokenRow.tenant_id == tenant, TokenRow.revoked_at.is_(None)).values(revoked_at=now)
    )
