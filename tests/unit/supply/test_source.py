"""Whole builds of images without Debian: no root, no network."""

from __future__ import annotations

import io
import json
import multiprocessing
from pathlib import Path

import pytest

from components.images import GoBinary, Image, SourceTree, TextFile
from infra.supply import files
from infra.supply.errors import BadImage, SourceChanged
from infra.supply.model import ImageSet, SupplyEvent
from infra.supply.source import SourceSupply
from tests.unit.supply.fakes import FakeTools, make_tree, members

WEB = Image(
    "web",
    "1",
    (GoBinary("server"), TextFile("/etc/web.conf", "port 80\n"), SourceTree(("app", "notes.txt"), "/srv")),
    base="scratch",
    entrypoint=("/usr/local/bin/server",),
)
OTHER = Image("other", "2", (GoBinary("server"),), base="scratch")

PROJECT: dict[str, str | None] = {
    "app/main.py": "print(1)\n",
    "app/static/style.css": "a {}\n",
    "app/tests/test_main.py": "assert True\n",
    "app/__pycache__/main.cpython-311.pyc": "x",
    "app/.hidden": "x",
    "notes.txt": "hello\n",
    "secret.txt": "not named\n",
}


@pytest.fixture
def tools(tmp_path: Path) -> FakeTools:
    made = FakeTools(tmp_path / "tools")
    made.put("server", b"\x7fELF server")
    return made


@pytest.fixture
def supply(tmp_path: Path, tools: FakeTools) -> SourceSupply:
    return SourceSupply(tmp_path / "cache", tools, make_tree(tmp_path / "project", PROJECT))


def layer_paths(supply: SourceSupply, built: ImageSet, name: str) -> list[list[str]]:
    return [list(members(supply.store.read(blob))) for blob in built[name].layers]


def test_an_image_is_made_of_its_layers_in_order(supply: SourceSupply) -> None:
    built = supply.build([WEB])
    skeleton, binary, text, source = layer_paths(supply, built, "web")
    assert {"tmp", "etc/passwd", "home/nonroot"} <= set(skeleton)
    assert binary == ["usr/local/bin/server"]
    assert text == ["etc/web.conf"]
    assert source == [
        "srv",
        "srv/app",
        "srv/app/main.py",
        "srv/app/static",
        "srv/app/static/style.css",
        "srv/notes.txt",
    ]


def test_static_images_have_a_writable_tmp_and_a_name_for_their_user(supply: SourceSupply) -> None:
    built = supply.build([OTHER])
    skeleton = supply.store.read(built["other"].layers[0])
    assert members(skeleton)["tmp"].mode == 0o1777
    assert b"nonroot:x:65532:65532:" in skeleton


def test_the_documents_lead_from_the_reference_to_every_layer(supply: SourceSupply) -> None:
    image = supply.build([WEB])["web"]
    assert image.reference == f"registry.mlp.internal/web:1-{image.digest[7:19]}"
    manifest = json.loads(supply.store.read(image.manifest))
    assert [layer["digest"] for layer in manifest["layers"]] == [layer.digest for layer in image.layers]
    config = json.loads(supply.store.read(image.config))
    assert manifest["config"]["digest"] == image.config.digest
    assert config["rootfs"]["diff_ids"] == [layer.digest for layer in image.layers]
    assert image.size == sum(supply.store.path(blob.digest).stat().st_size for blob in image.blobs)


def test_equal_inputs_give_equal_images_in_another_place(supply: SourceSupply, tmp_path: Path) -> None:
    tools = FakeTools(tmp_path / "other/tools")
    tools.put("server", b"\x7fELF server")
    project = make_tree(tmp_path / "other/project", dict(reversed(PROJECT.items())))
    assert SourceSupply(tmp_path / "other/cache", tools, project).build([WEB, OTHER]) == supply.build([WEB, OTHER])


def test_equal_layers_of_different_images_are_made_and_kept_once(supply: SourceSupply) -> None:
    events: list[SupplyEvent] = []
    built = supply.build([WEB, OTHER], events.append)
    assert built["web"].layers[:2] == built["other"].layers
    assert sorted(event.subject for event in events if event.state == "started") == [
        "file /etc/web.conf",
        "folders and users of static images",
        "source of app, notes.txt",
        "tool server",
    ]
    assert built.size < sum(image.size for image in built)


def test_with_nothing_changed_nothing_is_built(supply: SourceSupply, monkeypatch: pytest.MonkeyPatch) -> None:
    first = supply.build([WEB, OTHER])
    events: list[SupplyEvent] = []
    monkeypatch.setattr(supply.store, "write", lambda _: pytest.fail("something was written"))
    assert supply.build([WEB, OTHER], events.append) == first
    assert {event.state for event in events[:-1]} == {"reused"}


CHANGES = {
    "the binary": lambda tools, project: tools.put("server", b"\x7fELF newer"),
    "a source file": lambda tools, project: (project / "app/main.py").write_text("print(2)\n"),
    "a new source file": lambda tools, project: (project / "app/more.py").write_text(""),
    "a source file's rights": lambda tools, project: (project / "app/main.py").chmod(0o755),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_changed_input_changes_the_reference_and_one_layer(
    case: str, supply: SourceSupply, tools: FakeTools, tmp_path: Path
) -> None:
    before = supply.build([WEB])["web"]
    CHANGES[case](tools, tmp_path / "project")
    after = supply.build([WEB])["web"]
    assert before.reference != after.reference
    assert len(set(after.layers) - set(before.layers)) == 1


@pytest.mark.parametrize("name", ["app/tests/test_main.py", "app/.hidden", "secret.txt"])
def test_what_stays_out_of_an_image_does_not_change_it(name: str, supply: SourceSupply, tmp_path: Path) -> None:
    before = supply.build([WEB])
    (tmp_path / "project" / name).write_text("changed\n")
    assert supply.build([WEB]) == before


def test_a_layer_that_was_lost_is_built_again(supply: SourceSupply) -> None:
    first = supply.build([WEB])
    for blob in first["web"].layers:
        supply.store.path(blob.digest).unlink()
    assert supply.build([WEB]) == first
    assert all(supply.store.has(blob) for blob in first.blobs)


def test_finished_layers_survive_a_failure(supply: SourceSupply, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk went away")

    before: list[SupplyEvent] = []
    supply.build([OTHER], before.append)
    monkeypatch.setattr("infra.supply.files.write_source", fail)
    with pytest.raises(OSError, match="the disk went away"):
        supply.build([WEB], before.append)
    monkeypatch.undo()
    after: list[SupplyEvent] = []
    supply.build([WEB], after.append)
    made = [
        event.subject
        for event in (*before, *after[:-1])
        if event.state == "built" and not event.subject.endswith(" images")
    ]
    assert sorted(made) == sorted(set(made))
    assert "tool server" not in {event.subject for event in after if event.state == "built"}


def test_a_refresh_makes_the_named_kinds_anew(supply: SourceSupply) -> None:
    first = supply.build([WEB])
    events: list[SupplyEvent] = []
    assert supply.build([WEB], events.append, refresh=("go",)) == first
    assert [event.subject for event in events if event.state == "built"] == ["tool server", "1 images"]


def test_tools_are_asked_for_only_where_an_image_holds_them(supply: SourceSupply, tools: FakeTools) -> None:
    supply.build([Image("text", "1", (TextFile("/a", "b"),), base="scratch")])
    assert tools.asked == []


def test_two_images_of_one_name_must_be_the_same(supply: SourceSupply) -> None:
    supply.build([WEB, WEB])
    with pytest.raises(BadImage, match="'web'"):
        supply.build([WEB, Image("web", "1", (GoBinary("server"),), base="scratch")])


WRONG = {
    "a path that is not there": ("nowhere", "not a file or folder"),
    "a path outside the project": ("../tools/server", "not a file or folder"),
    "a symbolic link": ("linked", "symbolic link"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_source_layer_takes_files_of_the_project_only(case: str, supply: SourceSupply, tmp_path: Path) -> None:
    path, message = WRONG[case]
    make_tree(tmp_path / "project/linked", {"out": "-> ../notes.txt"})
    with pytest.raises(BadImage, match=message):
        supply.build([Image("web", "1", (SourceTree((path,)),), base="scratch")])


def edit_while_staging(project: Path, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first `times` stagings find app/main.py changed."""
    stage, edits = files.stage_source, iter(range(times))

    def late(*arguments: object) -> Path:
        for edit in edits:
            (project / "app/main.py").write_text(f"print('edit {edit}')\n")
            break
        return stage(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "stage_source", late)


def test_a_file_that_changes_while_it_is_taken_is_taken_as_it_is_then(
    supply: SourceSupply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_while_staging(tmp_path / "project", 1, monkeypatch)
    built = supply.build([WEB])
    assert b"print('edit 0')" in supply.store.read(built["web"].layers[-1])
    assert supply.build([WEB]) == built


def test_a_file_that_does_not_stop_changing_is_named(
    supply: SourceSupply, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_while_staging(tmp_path / "project", 9, monkeypatch)
    with pytest.raises(SourceChanged, match=r"app/main\.py changed"):
        supply.build([WEB])


def test_pruning_leaves_what_the_given_images_need(supply: SourceSupply) -> None:
    built = supply.build([WEB, OTHER])
    supply.prune(built.select(["other"]))
    assert all(supply.store.has(blob) for blob in built["other"].blobs)
    assert not supply.store.has(built["web"].layers[-1])
    assert supply.build([WEB, OTHER]) == built


def _build(root: str, start: multiprocessing.synchronize.Barrier, results: multiprocessing.Queue[str]) -> None:
    folder = Path(root)
    start.wait(30)
    results.put(
        SourceSupply(folder / "cache", FakeTools(folder / "tools"), folder / "project").build([WEB])["web"].digest
    )


def test_two_processes_may_build_at_once(supply: SourceSupply, tools: FakeTools, tmp_path: Path) -> None:
    tools.put("server", b"x" * (8 << 20))
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(2), context.Queue()
    workers = [context.Process(target=_build, args=(str(tmp_path), start, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    digests = {results.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join(30)
    assert digests == {supply.build([WEB])["web"].digest}


def test_an_archive_of_a_build_holds_its_blobs(supply: SourceSupply) -> None:
    built = supply.build([WEB, OTHER])
    stream = io.BytesIO()
    supply.write_archive(built, stream)
    names = set(members(stream.getvalue()))
    assert names == {"oci-layout", "index.json"} | {f"blobs/sha256/{blob.digest[7:]}" for blob in built.blobs}
