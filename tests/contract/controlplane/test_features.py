"""Features of workspaces: which there are, asking for them, and taking them away, by the API and in the console."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from components import catalog
from tests.contract.controlplane.conftest import SMALL, System
from tests.contract.controlplane.test_sessions import Browser
from tests.servers.facts import PUBLIC_URL

pytestmark = pytest.mark.contract
LAB = "/tenants/acme/workspaces/lab"
FIELDS = {"quota.cpu": "1", "quota.memory": "1", "quota.storage": "1", "quota.pods": "10"}


def _body(*features: str) -> dict[str, Any]:
    return {"name": "lab", "quota": SMALL, "features": list(features)}


def test_components_that_every_workspace_has_are_no_features(mlp: System) -> None:
    ada = mlp.caller("ada")
    assert ada.get("/features") == {"items": [], "next": None}
    assert "tracking" in mlp.runtime.settings.facts.components
    refused = ada.post("/tenants/acme/workspaces", _body("tracking"), 422)
    assert refused["code"] == "unknown-feature"
    assert refused["detail"] == "There is no feature tracking here. This installation offers no features."


def test_features_are_those_of_the_installation(mlp: System, feature: str) -> None:
    ada, vi = mlp.caller("ada"), mlp.caller("vi")
    summary = catalog.component(feature).summary
    assert vi.get("/features")["items"] == [{"name": feature, "summary": summary}]
    assert mlp.app.test_client().get("/api/v1/features").status_code == 401
    refused = ada.post("/tenants/acme/workspaces", _body("moon", feature), 422)
    assert refused["detail"] == f"There is no feature moon here. There are: {feature}."
    assert refused["errors"] == [{"field": "body.features", "message": "moon is not offered here"}]


def test_a_feature_that_is_not_installed_is_not_offered(mlp: System, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "serving" not in mlp.runtime.settings.facts.components
    monkeypatch.setattr(catalog, "CATALOG", (replace(catalog.component("serving"), feature=True),))
    assert mlp.caller("ada").get("/features")["items"] == []


def test_a_workspace_gets_features_and_loses_them(mlp: System, feature: str) -> None:
    ada, mo = mlp.caller("ada"), mlp.caller("mo")
    ada.post("/tenants/acme/workspaces", _body(feature, feature), 202)
    mlp.drain()
    assert ada.get(LAB)["features"] == [feature]
    assert mlp.cluster.namespaces["ws-acme--lab"].features == {feature}
    ada.patch(LAB, {"features": [feature, "moon"]}, 422)
    mo.patch(LAB, {"features": []}, 403)
    assert ada.patch(LAB, {"features": [feature], "title": "Lab"}, 202)["operation"] is None
    assert ada.patch(LAB, {"features": []}, 202)["operation"]
    mlp.drain()
    assert mlp.cluster.namespaces["ws-acme--lab"].features == set()
    assert ada.patch(LAB, {"features": [feature]}, 202)["workspace"]["features"] == [feature]


def test_what_is_offered_no_more_may_stay_but_not_come_back(
    mlp: System, feature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = mlp.caller("ada")
    ada.post("/tenants/acme/workspaces", _body(feature), 202)
    monkeypatch.undo()
    assert ada.get("/features")["items"] == []
    ada.patch(LAB, {"features": [feature], "title": "Lab"}, 202)
    ada.patch(LAB, {"features": []}, 202)
    ada.patch(LAB, {"features": [feature]}, 422)


def test_a_request_carries_features_past_its_approval(mlp: System, feature: str) -> None:
    ada, mo = mlp.caller("ada"), mlp.caller("mo")

    def ask(*features: str) -> dict[str, Any]:
        return {"want": {"kind": "workspace", "workspace": _body(*features)}, "reason": "to work"}

    assert mo.post("/tenants/acme/requests", ask("moon"), 422)["code"] == "unknown-feature"
    asked = mo.post("/tenants/acme/requests", ask(feature), 201)
    assert asked["summary"] == f"workspace lab: 1 cores, 1Gi memory, 1Gi storage, with {feature}"
    ada.post(f"/requests/{asked['id']}/approve", {"reason": "welcome"})
    assert mo.get(LAB)["features"] == [feature]


class Pages(Browser):
    """Somebody who reads the console and sends its forms."""

    def page(self, path: str) -> str:
        return self.client.get(path, base_url=PUBLIC_URL, headers=self.headers).text

    def send(self, path: str, fields: dict[str, str]) -> TestResponse:
        """The form of the page at the path, with these fields; its own hidden ones are kept."""
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', self.page(path)))
        return self.client.post(path, base_url=PUBLIC_URL, headers=self.headers, data={**hidden, **fields})


def _pages(mlp: System, name: str) -> Pages:
    pages = Pages(mlp)
    pages.sign_in(name)
    del pages.headers["X-CSRF-Token"]
    return pages


def _box(page: str, feature: str) -> str:
    return next(iter(re.findall(rf'<input [^>]*name="feature.{feature}"[^>]*>', page)), "")


def test_the_consoles_forms_have_a_box_for_each_feature(mlp: System, feature: str) -> None:
    mo, ada = _pages(mlp, "mo"), _pages(mlp, "ada")
    new = mo.page("/workspaces/new")
    assert _box(new, feature)
    assert "checked" not in _box(new, feature)
    assert catalog.component(feature).summary in new
    wrong = mo.send("/workspaces/new", {**FIELDS, "name": "Not So", "reason": "x", f"feature.{feature}": "true"})
    assert wrong.status_code == 422
    assert "checked" in _box(wrong.text, feature)
    unknown = mo.send("/workspaces/new", {**FIELDS, "name": "lab", "reason": "x", "feature.moon": "true"})
    assert unknown.status_code == 422
    assert "moon is not offered here" in unknown.text
    asked = mo.send("/workspaces/new", {**FIELDS, "name": "lab", "reason": "x", f"feature.{feature}": "true"})
    assert asked.status_code == 303
    request = ada.page(asked.headers["Location"])
    assert re.search(rf">Features<.*>{feature}<", request, re.S)
    mlp.caller("ada").post(f"{asked.headers['Location']}/approve", {"reason": "fine"})
    mlp.drain()
    assert re.search(rf">Features<.*>{feature}<", mo.page("/workspaces/acme/lab"), re.S)

    settings = "/workspaces/acme/lab/settings"
    assert "checked" in _box(ada.page(settings), feature)
    assert ada.send(settings, {**FIELDS, "title": "Lab", f"feature.{feature}": "true"}).status_code == 303
    assert mlp.caller("ada").get(LAB)["features"] == [feature]
    assert ada.send(settings, {**FIELDS, "title": "Lab"}).status_code == 303
    assert mlp.caller("ada").get(LAB)["features"] == []
    assert ">Features<" not in ada.page("/workspaces/acme/lab")
    assert "checked" not in _box(ada.page(settings), feature)


def test_where_no_feature_is_offered_forms_say_nothing_of_them(
    mlp: System, feature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = _pages(mlp, "ada")
    mlp.caller("ada").post("/tenants/acme/workspaces", _body(feature), 202)
    mlp.drain()
    monkeypatch.undo()
    for path in ("/workspaces/new", "/workspaces/acme/lab/settings"):
        assert "Features" not in ada.page(path)
    assert ada.send("/workspaces/acme/lab/settings", {**FIELDS, "title": "Lab"}).status_code == 303
    kept = mlp.caller("ada").get(LAB)
    assert (kept["title"], kept["features"]) == ("Lab", [feature]), "a form changes only what it shows"
