"""Lists: search and filters live in the address, pages by cursor, fast with thousands of rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from playwright.sync_api import expect
from sqlalchemy import insert

from controlplane.quotas.model import Quota
from controlplane.tenants.model import Rules
from controlplane.tenants.repository import TenantRow
from tests.browser.installation import ADMIN, Installation
from tests.browser.visitor import Visitor

MANY = 5000


@pytest.fixture(scope="module")
def many(site: Installation) -> Iterator[None]:
    """Rows put into the table directly: 5000 calls would take minutes and show nothing more."""
    now = datetime.now(UTC)
    quota = Quota(cpu="4", memory="8Gi", storage="9Gi")
    rows = [
        {"id": uuid4(), "slug": f"bulk-{n:05}", "title": f"Bulk {n:05}", "state": "active", "quota": quota,
         "rules": Rules(), "version": 1, "created_at": now, "updated_at": now}
        for n in range(MANY)
    ]  # fmt: skip
    with site.runtime.sessions() as session:
        session.execute(insert(TenantRow), rows)
        session.commit()
    yield
    with site.runtime.sessions() as session:
        session.query(TenantRow).filter(TenantRow.slug.like("bulk-%")).delete()
        session.commit()


@pytest.mark.usefixtures("many")
def test_pages_follow_each_other_and_the_address_says_where_one_is(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(ADMIN)
    visitor.go("/tenants?search=bulk-")
    expect(page.get_by_role("link", name="Bulk 00000")).to_be_visible()
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("link", name="Bulk 00050")).to_be_visible()
    assert "cursor=" in page.url
    assert "search=bulk-" in page.url
    page.get_by_role("link", name="First page").click()
    expect(page.get_by_role("link", name="Bulk 00000")).to_be_visible()


@pytest.mark.usefixtures("many")
def test_typing_narrows_the_list_and_the_address(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(ADMIN)
    visitor.go("/tenants")
    page.get_by_role("searchbox", name="Find by name").press_sequentially("bulk-0499")
    expect(page.get_by_role("link", name="Bulk 04999")).to_be_visible()
    assert page.get_by_role("row").count() == 11
    page.wait_for_url("**/tenants?search=bulk-0499")
    page.get_by_label("State").select_option("suspended")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Clear filters").click()
    assert page.url.endswith("/tenants")


@pytest.mark.usefixtures("many")
def test_an_address_that_makes_no_sense_shows_the_list(visitor: Visitor) -> None:
    visitor.sign_in(ADMIN)
    assert visitor.go("/tenants?state=nonsense&cursor=x").status in (200, 422)
    assert visitor.go("/tenants?state=nonsense").status == 200
    visitor.complaints.clear()


@pytest.mark.usefixtures("many")
def test_thousands_of_rows_cost_no_more_queries_than_a_few(visitor: Visitor) -> None:
    """Answers are bounded by the page, not by the table; the time is printed, not judged: machines differ."""
    visitor.sign_in(ADMIN)
    taken = []
    for query in ("", "?search=bulk-04", "?search=9", "?state=active"):
        for _ in range(5):
            start = time.perf_counter()
            answer = visitor.context.request.get(f"{visitor.site.url}/tenants{query}")
            taken.append(time.perf_counter() - start)
            assert answer.text().count('role="row"') <= 51
    print(f"slowest of {len(taken)} lists over {MANY} rows: {max(taken) * 1000:.0f} ms")  # noqa: T201
