from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.console import forms
from controlplane.console.forms import Form, Incomplete
from controlplane.errors import Conflict, Finding, Invalid
from controlplane.quotas.model import Quota
from controlplane.tenants.model import TenantCreate

LABELS = {"slug": "Name", "title": "Title", "quota.cpu": "CPU", "quota.memory": "Memory", "quota.storage": "Storage"}
GOOD = {
    "slug": "acme",
    "title": "",
    "quota.cpu": "2.5",
    "quota.memory": "4",
    "quota.storage": "500Mi",
    "quota.pods": "7",
}


def test_numbers_without_a_unit_are_gib_and_cores() -> None:
    quota, form = forms.read_quota(Form(GOOD, labels=LABELS))
    assert quota == Quota(cpu=2500, memory=4 * 2**30, storage=500 * 2**20, pods=7)
    assert not form.errors


def test_every_error_of_a_form_is_found_at_once_and_values_stay() -> None:
    values = {**GOOD, "slug": "Not A Slug", "quota.cpu": "many", "quota.memory": ""}
    quota, form = forms.read_quota(Form(values, labels=LABELS))
    with pytest.raises(Incomplete) as caught:
        forms.fill(TenantCreate, form, {"slug": values["slug"], "quota": quota}, {"slug": forms.SLUG_HELP})
    shown = caught.value.form
    assert dict(shown.errors) == {
        "slug": forms.SLUG_HELP,
        "quota.cpu": "A number of cores such as 2 or 0.5.",
        "quota.memory": "Fill this in.",
    }
    assert shown.value("quota.cpu") == "many"


def test_errors_come_in_the_order_of_the_fields() -> None:
    form = Form({}, {"quota.cpu": "b", "slug": "a"}, LABELS)
    with pytest.raises(Incomplete) as caught:
        forms.fill(TenantCreate, form, {"slug": "acme", "quota": Quota(cpu=1, memory=1, storage=1)})
    assert list(caught.value.form.errors) == ["slug", "quota.cpu"]


def test_a_services_findings_go_to_their_fields_and_the_rest_above_the_form() -> None:
    error = Invalid("two things", findings=[Finding("body.quota.cpu", "too much"), Finding("body.other", "odd")])
    shown = Form(GOOD, labels=LABELS).with_error(error)
    assert shown.errors == {"quota.cpu": "too much"}
    assert shown.problem == "odd"


def test_an_error_without_findings_is_shown_above_the_form() -> None:
    assert Form(GOOD, labels=LABELS).with_error(Conflict("The name is taken.")).problem == "The name is taken."


KIB = st.integers(0, 10**15 - 1).map(lambda number: number * 1024)


@given(cpu=st.integers(0, 10_000_000), memory=KIB, storage=KIB)
def test_a_quota_survives_the_form(cpu: int, memory: int, storage: int) -> None:
    quota = Quota(cpu=cpu, memory=memory, storage=storage, pods=3)
    read, form = forms.read_quota(Form(forms.quota_values(quota)))
    assert form.errors == {}
    assert read is not None
    assert (read.cpu, read.pods) == (cpu, 3)
    assert (read.memory, read.storage) == (memory, storage)


def test_dates() -> None:
    assert forms.end_of_day("") is None
    assert forms.end_of_day("2026-12-31") == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert forms.end_of_day("soon") == "soon"


def test_features_are_boxes_and_only_ticked_ones_count() -> None:
    values = {**forms.feature_values(["notes", "draw"]), "feature.mail": "on", "title": "true"}
    assert values["feature.notes"] == "true"
    assert forms.read_features(Form(values)) == ["draw", "notes"]
    assert forms.read_features(Form()) == []
