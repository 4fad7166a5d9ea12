"""A member asks, an approver answers, and the operation unfolds."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from components.names import Role
from controlplane.quotas.model import Quota
from controlplane.tenants.model import Rules
from tests.browser.installation import Installation
from tests.browser.visitor import Visitor


def scene(site: Installation, tenant: str, rules: Rules | None = None) -> tuple[str, str]:
    """A tenant with a member and an admin."""
    member, admin = site.account(f"{tenant}-member"), site.account(f"{tenant}-admin")
    site.tenant(tenant, tenant.capitalize(), rules=rules, **{member: Role.MEMBER, admin: Role.ADMIN})
    return member, admin


def ask(visitor: Visitor, name: str, cpu: str = "4") -> None:
    visitor.go("/workspaces/new")
    visitor.page.get_by_label("Name").fill(name)
    visitor.page.get_by_label("CPU (cores)").fill(cpu)
    visitor.page.get_by_label("What is it for?").fill("Detectors for the spring release")


def test_asking_and_approving(visitor: Visitor, another: Visitor) -> None:
    member, admin = scene(visitor.site, "harbour")
    visitor.sign_in(member)
    visitor.page.get_by_role("link", name="New workspace").first.click()
    ask(visitor, "detectors")
    expect(visitor.page.locator("#preview")).to_contain_text("Needs an answer")
    expect(visitor.page.locator("#preview")).to_contain_text("4 of 16 cores reserved")
    visitor.page.get_by_role("button", name="Ask for workspace").click()
    assert visitor.heading() == f"New workspace for {member}"
    expect(visitor.page.get_by_text("Waiting for an answer")).to_be_visible()
    assert visitor.page.get_by_role("button", name="Approve").count() == 0

    another.sign_in(admin)
    another.page.get_by_role("link", name="Requests").click()
    another.page.get_by_role("link", name=re.compile("detectors")).click()
    expect(another.page.get_by_text("Detectors for the spring release")).to_be_visible()
    expect(another.page.get_by_text("Fits now")).to_be_visible()
    another.page.get_by_label("Reason").fill("Go ahead")
    another.page.get_by_role("button", name="Approve").click()
    expect(another.page.get_by_text("Approved", exact=True).first).to_be_visible()

    visitor.page.reload()
    expect(visitor.page.get_by_text("Go ahead")).to_be_visible()
    visitor.page.get_by_role("link", name="Show the operation").click()
    expect(visitor.page.get_by_text("Queued", exact=True)).to_be_visible()
    with visitor.site.worker():
        expect(visitor.page.get_by_text("Done", exact=True).first).to_be_visible()
        steps = visitor.page.get_by_role("list").get_by_role("listitem").filter(has_text="objects")
        expect(steps.first).to_be_visible()
        visitor.page.get_by_role("link", name="Open workspace").click()
    expect(visitor.page.get_by_text("Ready", exact=True).first).to_be_visible()
    expect(visitor.page.get_by_text("ws-harbour--detectors")).to_be_visible()


def test_a_rejection_needs_a_reason_and_reaches_the_person(visitor: Visitor, another: Visitor) -> None:
    member, admin = scene(visitor.site, "lagoon")
    visitor.sign_in(member)
    ask(visitor, "too-much")
    visitor.page.get_by_role("button", name="Ask for workspace").click()
    expect(visitor.page.get_by_text("Waiting for an answer")).to_be_visible()
    another.sign_in(admin)
    another.page.goto(visitor.page.url)
    another.expect(422)
    another.page.get_by_role("button", name="Reject").click()
    expect(another.page.get_by_role("alert")).to_contain_text("Say why")
    another.page.get_by_label("Reason").fill("Use the one you have")
    another.page.get_by_role("button", name="Reject").click()
    expect(another.page.get_by_text("Rejected", exact=True).first).to_be_visible()
    visitor.page.reload()
    expect(visitor.page.get_by_text("Use the one you have")).to_be_visible()


def test_a_request_can_be_withdrawn(visitor: Visitor) -> None:
    member, _ = scene(visitor.site, "marina")
    visitor.sign_in(member)
    ask(visitor, "mistake")
    visitor.page.get_by_role("button", name="Ask for workspace").click()
    visitor.page.get_by_role("button", name="Withdraw request").click()
    expect(visitor.page.get_by_text("Withdrawn", exact=True)).to_be_visible()


def test_the_rules_of_a_tenant_grant_small_ones_at_once(visitor: Visitor) -> None:
    small = Quota(cpu="4", memory="8Gi", storage="20Gi", pods=20)
    member, _ = scene(visitor.site, "pier", Rules(auto_approve_quota=small))
    visitor.sign_in(member)
    ask(visitor, "small", cpu="2")
    expect(visitor.page.locator("#preview")).to_contain_text("Granted at once")
    visitor.page.get_by_label("CPU (cores)").fill("6")
    expect(visitor.page.locator("#preview")).to_contain_text("Needs an answer")
    visitor.page.get_by_label("CPU (cores)").fill("2")
    expect(visitor.page.locator("#preview")).to_contain_text("Granted at once")
    visitor.page.get_by_role("button", name="Ask for workspace").click()
    assert visitor.heading() == "Create workspace"
    expect(visitor.page.get_by_text("pier/small")).to_be_visible()


def test_an_operation_goes_on_when_its_page_is_left(visitor: Visitor) -> None:
    small = Quota(cpu="4", memory="8Gi", storage="20Gi", pods=20)
    member, _ = scene(visitor.site, "quay", Rules(auto_approve_quota=small))
    visitor.sign_in(member)
    ask(visitor, "left", cpu="2")
    visitor.page.get_by_role("button", name="Ask for workspace").click()
    address = visitor.page.url
    visitor.go("/workspaces")
    with visitor.site.worker():
        visitor.page.goto(address)
        expect(visitor.page.get_by_text("Done", exact=True).first).to_be_visible()


def test_more_quota_and_leave_of_a_rule_are_asked_for_where_they_are_missed(visitor: Visitor, another: Visitor) -> None:
    small = Quota(cpu="4", memory="8Gi", storage="20Gi", pods=20)
    member, admin = scene(visitor.site, "reef", Rules(auto_approve_quota=small))
    visitor.sign_in(member)
    ask(visitor, "corals", cpu="2")
    with visitor.site.worker():
        visitor.page.get_by_role("button", name="Ask for workspace").click()
        visitor.page.get_by_role("link", name="Open workspace").click()
    visitor.page.get_by_role("link", name="Ask for more").click()
    expect(visitor.page.locator("#preview")).to_contain_text("2 of 16 cores reserved")
    visitor.page.get_by_label("CPU (cores)").fill("9")
    expect(visitor.page.locator("#preview")).to_contain_text("9 of 16 cores reserved")
    visitor.expect(422)
    visitor.page.get_by_role("button", name="Ask").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("Why is it needed?")
    visitor.page.get_by_label("Why is it needed?").fill("Bigger corals")
    visitor.page.get_by_role("button", name="Ask").click()
    assert visitor.heading() == f"More quota for {member}"
    visitor.go("/workspaces/reef/corals")
    visitor.page.get_by_role("link", name="Ask for it").click()
    visitor.page.get_by_label("Why is it needed?").fill("A public data set")
    visitor.page.get_by_role("button", name="Ask").click()
    expect(visitor.page.get_by_text("Platform admins")).to_be_visible()
    visitor.go("/workspaces")
    expect(visitor.page.get_by_text("2 requests of yours wait for an answer")).to_be_visible()

    another.sign_in(admin)
    another.go("/workspaces/reef/corals/settings")
    another.page.get_by_label("Expires").fill("2099-12-31")
    another.page.get_by_label("CPU (cores)").fill("3")
    another.page.get_by_role("button", name="Save").click()
    assert another.heading() == "Change workspace"
    another.go("/workspaces/reef/corals")
    expect(another.page.get_by_text("3 cores")).to_be_visible()
    expect(another.page.get_by_text("2099-12-31")).to_be_visible()


def test_a_feature_is_asked_for_and_taken_away(visitor: Visitor, another: Visitor) -> None:
    member, admin = scene(visitor.site, "cape")
    visitor.sign_in(member)
    ask(visitor, "lights", cpu="2")
    box = visitor.page.get_by_label("kubeflow-pipelines")
    expect(box).not_to_be_checked()
    box.check()
    visitor.page.get_by_role("button", name="Ask for workspace").click()
    expect(visitor.page.get_by_role("definition").filter(has_text="kubeflow-pipelines")).to_be_visible()

    another.sign_in(admin)
    another.page.goto(visitor.page.url)
    another.page.get_by_role("button", name="Approve").click()
    expect(another.page.get_by_text("Approved", exact=True).first).to_be_visible()
    another.go("/workspaces/cape/lights")
    expect(another.page.get_by_role("definition").filter(has_text="kubeflow-pipelines")).to_be_visible()
    another.go("/workspaces/cape/lights/settings")
    expect(another.page.get_by_label("kubeflow-pipelines")).to_be_checked()
    another.page.get_by_label("kubeflow-pipelines").uncheck()
    another.page.get_by_role("button", name="Save").click()
    assert another.heading() == "Change workspace"
    another.go("/workspaces/cape/lights")
    assert another.page.get_by_text("kubeflow-pipelines").count() == 0


def test_a_card_changes_by_itself_when_its_workspace_is_ready(visitor: Visitor) -> None:
    small = Quota(cpu="4", memory="8Gi", storage="20Gi", pods=20)
    member, _ = scene(visitor.site, "shore", Rules(auto_approve_quota=small))
    visitor.sign_in(member)
    ask(visitor, "sand", cpu="2")
    visitor.page.get_by_role("button", name="Ask for workspace").click()
    visitor.go("/workspaces")
    cards = visitor.page.locator("#list")
    expect(cards.get_by_text("Being created")).to_be_visible()
    with visitor.site.worker():
        expect(cards.get_by_text("Ready", exact=True)).to_be_visible()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.wait_for_timeout(5_000)
    assert asked == []
