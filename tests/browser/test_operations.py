"""Operations that do not go well: the reason, who may try again, and that trying again helps."""

from __future__ import annotations

from datetime import UTC, datetime

from playwright.sync_api import expect
from sqlalchemy import update

from components.names import Role
from controlplane.operations.repository import OperationRow
from controlplane.quotas.model import Quota
from controlplane.workspaces.model import WorkspaceCreate
from controlplane.workspaces.service import WorkspaceService
from tests.browser.installation import ADMIN
from tests.browser.visitor import Visitor

REASON = "The API server did not answer within 20 s."


def test_what_failed_shows_why_and_is_tried_again_by_an_admin(visitor: Visitor, another: Visitor) -> None:
    site = visitor.site
    member, admin = site.account("op-member"), site.account("op-admin")
    site.tenant("trouble", **{member: Role.MEMBER, admin: Role.ADMIN})
    quota = Quota(cpu="1", memory="1Gi", storage="1Gi", pods=5)
    with site.runtime.work(site.principal(ADMIN)) as work:
        made = WorkspaceService(work).create("trouble", WorkspaceCreate(name="stuck", quota=quota))
    with site.runtime.sessions() as session:
        gave_up = {"state": "parked", "message": REASON, "attempt": 8, "ended_at": datetime.now(UTC)}
        session.execute(update(OperationRow).where(OperationRow.id == made.operation).values(**gave_up))
        session.commit()

    visitor.sign_in(member)
    visitor.go(f"/operations/{made.operation}")
    expect(visitor.page.get_by_text(REASON)).to_be_visible()
    assert visitor.page.get_by_role("button", name="Try again now").count() == 0
    visitor.go("/workspaces/trouble/stuck")
    expect(visitor.page.get_by_text(REASON)).to_be_visible()

    another.sign_in(admin)
    another.go("/operations?state=parked&tenant=trouble")
    another.page.get_by_role("link", name="Create workspace").click()
    another.page.get_by_role("button", name="Try again now").click()
    expect(another.page.get_by_text("Gave up", exact=True)).to_be_hidden()
    with site.worker():
        expect(another.page.get_by_text("Done", exact=True).first).to_be_visible()
