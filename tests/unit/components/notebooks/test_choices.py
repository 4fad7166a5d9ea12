"""What may be chosen at the start of a server, and what a quota leaves room for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from components.notebooks.hub import choices
from components.notebooks.hub.form import options_of, render
from components.notebooks.hub.settings import HubSettings
from components.notebooks.objects import hub_settings
from components.notebooks.settings import NotebooksSettings
from tests.servers.installs import install

GPU = "nvidia.com/gpu"


def _settings(**facts: Any) -> HubSettings:
    return hub_settings(NotebooksSettings(), install(**facts))


def _quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    status = {} if used is None else {"hard": hard, "used": used}
    return {"spec": {"hard": hard, **spec}, "status": status}


def test_nothing_chosen_is_the_first_of_each() -> None:
    choice = choices.read({}, _settings())
    assert (choice.size, choice.image, choice.gpu, choice.gpus) == ("small", "notebook", "", 0)


def test_a_gpu_class_means_one() -> None:
    assert choices.read({"gpu": GPU}, _settings(gpu_classes=(GPU,))).gpus == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": "huge"}, "There is no size 'huge'; choose one of small, medium, large."),
        ({"image": "evil"}, "There is no image 'evil'"),
        ({"gpu": GPU}, "none on this platform"),
        ({"gpus": 1}, "Name the GPU class"),
        ({"gpus": -1}, "'gpus' has a wrong value"),
        ({"cmd": ["sh"]}, "There is no option 'cmd'"),
        ({"size": ["small"]}, "'size' has a wrong value"),
        *(({"repository": text}, "must be an https:// address") for text in (
            "http://git.example.com/a", "file:///etc/passwd", "ssh://git@example.com/a", "--upload-pack=evil",
            "https://user:secret@git.example.com/a", "https://git.example.com/a?token=x", "https://git.example.com",
            "https://git.example.com/a b", "ext::sh -c id",
        )),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(options: dict[str, Any], said: str) -> None:
    with pytest.raises(choices.ChoiceRefused, match=said.replace("?", r"\?").replace("(", r"\(")):
        choices.read(options, _settings())


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(choices.ChoiceRefused) as caught:
        choices.read({"size": "huge", "image": "evil"}, _settings())
    assert "huge" in str(caught.value)
    assert "evil" in str(caught.value)


@pytest.mark.parametrize("address", ["https://git.example.com/team/repo.git", "https://host:8443/a/~b/c_d"])
def test_repositories(address: str) -> None:
    assert choices.read({"repository": address}, _settings()).repository == address


def test_room_is_what_the_quotas_leave() -> None:
    room = choices.room(
        [
            _quota({"limits.cpu": "4", "limits.memory": "8Gi", "pods": "10"}, {"limits.cpu": "3500m", "pods": "2"}),
            _quota({"limits.memory": "2G"}, {"limits.memory": "500M"}),
            _quota({"pods": "0"}, {"pods": "0"}, scopes=["BestEffort"]),
            _quota({"pods": "0"}, {"pods": "0"}, scopeSelector={"matchExpressions": []}),
            _quota({f"requests.{GPU}": "3"}, {f"requests.{GPU}": "1"}),
        ],
        [GPU],
    )
    assert room == choices.Room(Decimal("0.5"), Decimal(1_500_000_000), Decimal(8), {GPU: Decimal(2)})


def test_a_quota_that_was_not_counted_yet_bounds_by_its_spec() -> None:
    assert choices.room([_quota({"limits.cpu": "2"})]) == choices.Room(Decimal(2), None, None, {})


def test_no_quota_bounds_nothing() -> None:
    settings = _settings()
    choices.fits(choices.read({"size": "large"}, settings), choices.room([]), settings)


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (choices.Room(cpu=Decimal("1.9")), "too little CPU left; these sizes fit: small, medium"),
        (choices.Room(memory=Decimal(100)), "too little memory left; stop something there"),
        (choices.Room(pods=Decimal(0)), "too little pods left"),
    ],
)
def test_a_size_that_does_not_fit_is_refused_with_those_that_do(room: choices.Room, said: str) -> None:
    settings = _settings()
    with pytest.raises(choices.ChoiceRefused, match=said):
        choices.fits(choices.read({"size": "large"}, settings), room, settings)


def test_gpus_are_bounded_too() -> None:
    settings = _settings(gpu_classes=(GPU,))
    choice = choices.read({"gpu": GPU, "gpus": 2}, settings)
    with pytest.raises(choices.ChoiceRefused, match=r"has 1 of nvidia\.com/gpu left and 2 are wanted"):
        choices.fits(choice, choices.Room(gpus={GPU: Decimal(1)}), settings)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("500m", "0.5"), ("2Ki", 2048), ("1.5Gi", 1.5 * 2**30), ("3M", 3_000_000), ("1e3", 1000), ("0", 0)],
)
def test_quantities(text: str, value: float | str) -> None:
    assert choices.amount(text) == Decimal(str(value))


def test_no_quantity() -> None:
    with pytest.raises(ValueError, match="not a Kubernetes quantity"):
        choices.amount("many")


def test_the_form_shows_what_does_not_fit_and_escapes() -> None:
    settings = _settings(gpu_classes=("<gpu>",))
    shown = render(settings, choices.Room(cpu=Decimal(1)))
    assert "<option value='medium'>medium: 1 CPU, 2 GiB</option>" in shown
    assert "<option value='large' disabled>large: 2 CPU, 4 GiB (too little CPU left)</option>" in shown
    assert "<gpu>" not in shown


def test_fields_of_the_form_are_options() -> None:
    fields = {"size": ["small"], "gpus": ["2"], "repository": [" https://x/y "], "image": [""], "_xsrf": ["t"]}
    assert options_of(fields) == {"size": "small", "gpus": 2, "repository": "https://x/y"}
