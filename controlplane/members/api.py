"""REST of members."""

from __future__ import annotations

from uuid import UUID

from controlplane.http.endpoint import Api
from controlplane.members.model import Member, MemberCreate, MemberQuery, MemberUpdate
from controlplane.members.service import MemberService
from controlplane.model import Page, Slug
from controlplane.work import Work

api = Api("members")
_ONE = "/tenants/{tenant}/members/{member}"


@api.post("/tenants/{tenant}/members", status=201)
def add_member(work: Work, tenant: Slug, body: MemberCreate) -> Member:
    """Give an account or a group a role in the tenant."""
    return MemberService(work).add(tenant, body)


@api.get("/tenants/{tenant}/members")
def list_members(work: Work, tenant: Slug, query: MemberQuery) -> Page[Member]:
    """Members of a tenant, by name."""
    return MemberService(work).list(tenant, query)


@api.get(_ONE)
def get_member(work: Work, tenant: Slug, member: UUID) -> Member:
    """One member."""
    return MemberService(work).get(tenant, member)


@api.patch(_ONE)
def update_member(work: Work, tenant: Slug, member: UUID, body: MemberUpdate, version: int | None) -> Member:
    """Change the role, from the person's next call on."""
    return MemberService(work).update(tenant, member, body, version)


@api.delete(_ONE)
def remove_member(work: Work, tenant: Slug, member: UUID) -> None:
    """Take the role away, from the person's next call on."""
    MemberService(work).remove(tenant, member)
