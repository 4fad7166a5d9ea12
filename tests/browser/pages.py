"""The console's pages that are looked at by day, night and on a small screen; a unit test asks that none is missing."""

from __future__ import annotations

PAGES = (
    "/", "/tenants", "/tenants?search=nothing-like-it", "/tenants/-/new", "/tenants/{tenant}",
    "/tenants/{tenant}/members", "/tenants/{tenant}/members/new", "/tenants/{tenant}/members/{member}/remove",
    "/tenants/{tenant}/settings", "/tenants/{tenant}/suspend", "/tenants/{tenant}/delete", "/workspaces",
    "/workspaces/new?tenant={tenant}", "/workspaces/{tenant}/research", "/workspaces/{tenant}/research/settings",
    "/workspaces/{tenant}/research/ask/quota", "/workspaces/{tenant}/research/ask/internet",
    "/workspaces/{tenant}/research/suspend", "/workspaces/{tenant}/research/delete",
    "/requests?view=all", "/requests/{request}",
    "/operations", "/operations/{operation}", "/people", "/people/new", "/people/every-page-member/password",
    "/audit", "/audit/verify", "/tokens", "/tokens/new", "/account", "/search", "/search?q=every", "/no/such/page",
)  # fmt: skip
"""Of an installation whose workspaces are not there yet; `{tenant}` and the like are what the test made."""

PAGES_OF_WORK = (
    "/contents", "/contents?group=endpoints", "/contents/trainjob/nightly", "/contents/trainjob/nightly/delete",
    "/contents/workflowtemplate/train/start", "/models", "/models/stock", "/models/stock/promote?version=1",
    "/promotions", "/promotions/{promotion}", "/promotions/rule", "/lineage", "/lineage?endpoint=forecast",
    "/lineage?model=stock&version=1", "/lineage?model=stock&version=none",
)  # fmt: skip
"""Below a workspace with training, endpoints and models in it."""
