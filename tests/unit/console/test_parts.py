"""Lists in the address, signs, quota bars, navigation and vendored files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask

from components.names import Role
from controlplane.auth.model import Principal, Via
from controlplane.console import navigation, quota, signs, vendoring
from controlplane.console.assets import Assets
from controlplane.console.listing import Listing
from controlplane.operations.model import OperationKind, OperationState, StepState
from controlplane.quotas.model import Quota
from controlplane.requests.model import RequestState
from controlplane.tenants.model import TenantState
from controlplane.workspaces.model import ShownCondition, WorkspaceState

STATIC = Path(navigation.__file__).parent / "static"


def listing(**given: str) -> Listing:
    return Listing.read("/tenants", given, ("state",))


def test_unknown_and_empty_arguments_are_dropped() -> None:
    assert listing(search=" a ", state="", evil="x").arguments == {"search": "a"}


def test_a_new_filter_goes_back_to_the_first_page() -> None:
    shown = listing(search="a", cursor="c1")
    assert shown.url(state="active") == "/tenants?search=a&state=active"
    assert shown.url(cursor="c2") == "/tenants?search=a&cursor=c2"
    assert shown.url(search=None) == "/tenants"
    assert listing().url(search="a b&c") == "/tenants?search=a+b%26c"


def test_only_a_filter_makes_a_list_filtered() -> None:
    assert not listing(cursor="c1").filtered
    assert listing(state="active").filtered


def test_every_state_has_a_sign_with_a_word_and_an_icon_that_exists() -> None:
    sprite = (STATIC / "vendor" / "icons.svg").read_text()
    every = [
        *(signs.TENANT[s] for s in TenantState),
        *(signs.WORKSPACE[s] for s in WorkspaceState),
        *(signs.REQUEST[s] for s in RequestState),
        *(signs.OPERATION[s] for s in OperationState),
        *(signs.STEP[s] for s in StepState),
    ]
    assert all(sign.text and f'id="i-{sign.icon}"' in sprite for sign in every)
    assert all(signs.kind(kind) for kind in OperationKind)


@pytest.mark.parametrize(
    ("type", "status", "colour"),
    [("Ready", True, "success"), ("Ready", False, "warning"), ("Suspended", True, "warning"),
     ("DeletionBlocked", False, "success"), ("SomethingNew", False, "warning")],
)  # fmt: skip
def test_conditions_say_good_or_bad(type: str, status: bool, colour: str) -> None:  # noqa: A002
    shown = ShownCondition(type=type, status=status, reason="R", message="", since=datetime(2026, 1, 1, tzinfo=UTC))
    sign = signs.condition(shown)
    assert sign.status == colour
    assert sign.text


def test_bars_count_what_is_reserved_free_and_too_much() -> None:
    limit = Quota(cpu=4000, memory=8 * 2**30, storage=0, pods=10, gpus={"nvidia.com/gpu": 2})
    reserved = Quota(cpu=1000, memory=12 * 2**30, storage=0, pods=10)
    cpu, memory, storage, pods, gpu = quota.bars(limit, reserved)
    assert (cpu.text, cpu.free, cpu.reserved) == ("1 of 4 cores reserved", "3 cores free", 25.0)
    assert (memory.free, memory.reserved) == ("4 GiB too much", 100.0)
    assert (storage.reserved, pods.reserved) == (0.0, 100.0)
    assert (gpu.name, gpu.free, gpu.used) == ("GPU nvidia.com/gpu", "2 free", None)


def person(**changes: object) -> Principal:
    return Principal(name="p", via=Via.SESSION, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        (person(), ["My workspaces", "Tenants", "Requests", "Operations"]),
        (person(roles={uuid4(): Role.ADMIN}), ["My workspaces", "Tenants", "Requests", "Operations", "Audit"]),
        (person(platform_admin=True),
         ["Overview", "Tenants", "Workspaces", "Requests", "Operations", "People", "Audit"]),
    ],
)  # fmt: skip
def test_navigation_by_role(who: Principal, shown: list[str]) -> None:
    assert [item.text for item in navigation.items(who, "/", str)] == shown


def test_the_current_entry_is_the_section_of_the_path() -> None:
    current = [i.text for i in navigation.items(person(platform_admin=True), "/tenants/acme/members", str) if i.current]
    assert current == ["Tenants"]
    current = [i.text for i in navigation.items(person(platform_admin=True), "/", str) if i.current]
    assert current == ["Overview"]


def test_vendored_files_are_the_recorded_ones() -> None:
    assert vendoring.check() == []


def test_scripts_of_a_page_weigh_less_than_100_kilobytes() -> None:
    assert sum(path.stat().st_size for path in STATIC.rglob("*.js")) < 100_000


def test_nothing_is_loaded_from_elsewhere() -> None:
    for path in [*STATIC.rglob("*.css"), STATIC / "console.js"]:
        assert "http:" not in path.read_text()
        assert "https:" not in path.read_text().replace("https://www.w3.org", "")


def test_an_asset_is_kept_only_under_its_own_digest() -> None:
    app, assets = Flask(__name__), Assets(STATIC)
    with app.test_request_context(headers={"Accept-Encoding": "gzip"}):
        fresh, old = assets.response(assets.digest, "console.css"), assets.response("0" * 12, "console.css")
    assert "immutable" in fresh.headers["Cache-Control"]
    assert old.headers["Cache-Control"] == "no-cache"
    assert fresh.headers["Content-Encoding"] == "gzip"
    with pytest.raises(KeyError):
        assets.url("no-such-file.css")
