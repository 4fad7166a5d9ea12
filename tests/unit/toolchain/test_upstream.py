"""Objects of pinned modules: what is read, what is refused, and that the cache spares Go and the network."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from components.contract import Upstream
from infra.toolchain import golang
from infra.toolchain.errors import (
    ChecksumMismatch,
    GoMissing,
    GoTooOld,
    ManifestsInvalid,
    NotPinned,
    PackageMissing,
    ToolchainError,
)
from infra.toolchain.model import Progress
from infra.toolchain.upstream import UpstreamObjects, parse, read
from tests.unit.toolchain import fakes

CRDS = Upstream("demo-crds", "demo", "example.org/demo", ("config/*.yaml",))
SUM = "example.org/demo v1.2.3 h1:abc=\nexample.org/demo v1.2.3/go.mod h1:def=\n"


def crd(name: str) -> str:
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": name}})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "b.yaml").write_text(crd("b"))
    (folder / "config" / "a.yaml").write_text(f"---\n{crd('a1')}---\n# nothing\n---\n{crd('a2')}")
    (folder / "config" / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    return tmp_path / "bin"


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    folder = tmp_path / "modules" / "demo"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module demo\n\nrequire (\n\texample.org/demo v1.2.3 // indirect\n)\n")
    (folder / "go.sum").write_text(SUM)
    return folder


@pytest.fixture
def upstream(tmp_path: Path, programs: Path, pinned: Path) -> UpstreamObjects:
    return UpstreamObjects(tmp_path / "cache", str(programs), pinned.parent)


def names(objects: tuple[dict[str, object], ...]) -> list[str]:
    return [thing["metadata"]["name"] for thing in objects]  # type: ignore[index]


def test_objects_are_read_once_and_then_need_no_go(upstream: UpstreamObjects, programs: Path, files: Path) -> None:
    go = fakes.go_with_module(programs, files)
    events: list[Progress] = []
    assert upstream.kept([CRDS]) == {}

    first = upstream.ensure([CRDS], events.append)

    assert names(first["demo-crds"]) == ["a1", "a2", "b"]
    assert fakes.calls(programs, "go")[-1] == "mod download -json example.org/demo"
    go.unlink()
    assert upstream.ensure([CRDS], events.append) == first
    assert upstream.kept([CRDS]) == first
    assert [(event.state, event.detail, event.origin) for event in events] == [
        ("fetching", "manifests of example.org/demo v1.2.3", None),
        ("done", "v1.2.3", "extracted"),
        ("done", "v1.2.3", "cache"),
    ]


def test_each_answer_is_a_copy_of_its_own(upstream: UpstreamObjects, programs: Path, files: Path) -> None:
    fakes.go_with_module(programs, files)
    upstream.ensure([CRDS])["demo-crds"][0]["metadata"]["name"] = "changed"

    upstream.kept([CRDS])["demo-crds"][0]["metadata"]["name"] = "changed"

    assert names(upstream.kept([CRDS])["demo-crds"]) == ["a1", "a2", "b"]


def test_the_first_answer_is_the_later_one(upstream: UpstreamObjects, programs: Path, files: Path) -> None:
    fakes.go_with_module(programs, files)
    (files / "config" / "b.yaml").write_text(crd("b") + "one: &shared {1: a}\ntwo: *shared\n")

    first = upstream.ensure([CRDS])

    assert first["demo-crds"][2]["one"] == {"1": "a"}
    assert first["demo-crds"][2]["one"] is not first["demo-crds"][2]["two"]
    assert upstream.kept([CRDS]) == first


def test_only_what_is_missing_is_fetched(upstream: UpstreamObjects, programs: Path, files: Path) -> None:
    fakes.go_with_module(programs, files)
    other = replace(CRDS, name="other", files=("config/b.yaml",))
    upstream.ensure([CRDS])

    found = upstream.ensure([other, CRDS])

    assert {name: names(objects) for name, objects in found.items()} == {"other": ["b"], "demo-crds": ["a1", "a2", "b"]}
    assert list(found) == ["other", "demo-crds"]
    assert len([call for call in fakes.calls(programs, "go") if call.startswith("mod")]) == 2


@pytest.mark.parametrize("change", ["version", "files", "sums"])
def test_what_was_made_of_other_inputs_does_not_count(
    upstream: UpstreamObjects, programs: Path, files: Path, pinned: Path, change: str
) -> None:
    fakes.go_with_module(programs, files)
    wanted = CRDS
    upstream.ensure([wanted])

    if change == "version":
        for file in (pinned / "go.mod", pinned / "go.sum"):
            file.write_text(file.read_text().replace("v1.2.3", "v1.2.4"))
    elif change == "files":
        wanted = replace(CRDS, files=("config/a.yaml",))
    else:
        (pinned / "go.sum").write_text(SUM.replace("abc", "xyz"))

    assert upstream.kept([wanted]) == {}


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"key": "another", "objects": []}', '{"objects": []}'])
def test_a_damaged_file_of_the_cache_is_made_again(
    upstream: UpstreamObjects, programs: Path, files: Path, tmp_path: Path, damage: str
) -> None:
    fakes.go_with_module(programs, files)
    upstream.ensure([CRDS])
    (kept,) = (tmp_path / "cache" / "upstream").iterdir()
    kept.write_text(damage)

    assert upstream.kept([CRDS]) == {}
    assert names(upstream.ensure([CRDS])["demo-crds"]) == ["a1", "a2", "b"]
    assert json.loads(kept.read_text())["version"] == "v1.2.3"


def test_runs_beside_each_other_agree(upstream: UpstreamObjects, programs: Path, files: Path, tmp_path: Path) -> None:
    fakes.go_with_module(programs, files)
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(names(upstream.ensure([CRDS])["demo-crds"]))) for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [["a1", "a2", "b"]] * 4
    assert len(list((tmp_path / "cache" / "upstream").iterdir())) == 1


def test_without_go_the_error_says_so(upstream: UpstreamObjects) -> None:
    events: list[Progress] = []

    with pytest.raises(GoMissing, match="There is no Go on PATH"):
        upstream.ensure([CRDS], events.append)

    assert events[-1].state == "failed"


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            "example.org/demo@v1.2.3: reading x: 403 Forbidden",
            PackageMissing,
            r"demo-crds: the registry does not have .* go mod download example\.org/demo",
        ),
        (
            "example.org/demo@v1.2.3 requires go \\u003e= 1.30.1 (running go 1.26.8; GOTOOLCHAIN=local)",
            GoTooOld,
            r"demo-crds: requires go >= 1\.30\.1 \(running go 1\.26\.8",
        ),
    ],
)
def test_why_a_module_cannot_be_had_is_told(
    upstream: UpstreamObjects, programs: Path, error: str, kind: type[ToolchainError], said: str
) -> None:
    answer = f'{{"Path": "example.org/demo", "Error": "{error}"}}'
    fakes.program(
        programs,
        "go",
        f"case \"$1\" in env) echo go1.26.8; echo local;; *) cat <<'END'\n{answer}\nEND\nexit 1;; esac",
    )

    with pytest.raises(kind, match=said):
        upstream.ensure([CRDS])


def test_other_bytes_than_the_pinned_ones_are_refused(upstream: UpstreamObjects, programs: Path) -> None:
    fakes.program(
        programs,
        "go",
        """case "$1" in env) echo go1.26.8; echo local;;
        *) printf 'verifying example.org/demo@v1.2.3: checksum mismatch\\n\\nSECURITY ERROR\\n' >&2; exit 1;; esac""",
    )

    with pytest.raises(ChecksumMismatch, match="demo-crds: what was fetched is not what is pinned"):
        upstream.ensure([CRDS])

    assert upstream.kept([CRDS]) == {}


@pytest.mark.parametrize(
    ("wanted", "sums", "said"),
    [
        (replace(CRDS, module="example.org/other"), SUM, r"demo/go\.mod does not require example\.org/other"),
        (replace(CRDS, module="example.org"), SUM, r"demo/go\.mod does not require example\.org\."),
        (replace(CRDS, pinned_by="nowhere"), SUM, "nowhere pins no module"),
        (CRDS, SUM.splitlines()[1], r"demo/go\.sum has no checksum of example\.org/demo v1\.2\.3"),
    ],
)
def test_what_is_not_pinned_is_refused_before_go_runs(
    upstream: UpstreamObjects, programs: Path, files: Path, pinned: Path, wanted: Upstream, sums: str, said: str
) -> None:
    fakes.go_with_module(programs, files)
    (pinned / "go.sum").write_text(sums)

    with pytest.raises(NotPinned, match=said):
        upstream.ensure([wanted])
    with pytest.raises(NotPinned, match=said):
        upstream.kept([wanted])

    assert fakes.calls(programs, "go") == []


def test_two_manifests_of_one_name_are_refused(upstream: UpstreamObjects) -> None:
    with pytest.raises(ValueError, match="the name 'demo-crds'"):
        upstream.kept([CRDS, replace(CRDS, files=("other.yaml",))])


def test_globs_keep_their_order_and_a_file_counts_once(files: Path) -> None:
    assert names(read(files, replace(CRDS, files=("config/b.yaml", "config/*.yaml")))) == ["b", "a1", "a2"]
    assert names(read(files, replace(CRDS, files=("**/a.yaml",)))) == ["a1", "a2"]


@pytest.mark.parametrize(
    ("globs", "said"),
    [
        (("config/a.yaml", "crds/*.yaml"), r"has no file that matches 'crds/\*\.yaml'"),
        (("conf*",), r"has no file that matches 'conf\*'"),
        (("config/kustomization.yaml",), "hold no Kubernetes object"),
    ],
)
def test_globs_that_give_nothing_are_refused(files: Path, globs: tuple[str, ...], said: str) -> None:
    with pytest.raises(ManifestsInvalid, match=said):
        read(files, replace(CRDS, files=globs))


@pytest.mark.parametrize(
    "text",
    [
        "- op: replace\n  path: /spec\n",
        "spec: {}\n",
        "apiVersion: v1\nkind: Configuration\n",
        "apiVersion: v1\nkind: Thing\nmetadata: {name: ''}\n",
        "apiVersion: v1\nkind: ThingList\nitems: [{apiVersion: v1, kind: Thing}]\n",
        "apiVersion: v1\nkind: ThingList\nitems: [text]\n",
        "name: {{ .Values.name }}\n",
        "kind: [",
        "!!python/object/apply:os.getcwd []",
    ],
    ids=["patch", "fragment", "configuration", "no name", "nameless item", "no item", "template", "broken", "code"],
)
def test_what_is_no_object_is_refused_with_its_file(files: Path, text: str) -> None:
    (files / "config" / "c.yaml").write_text(text)

    with pytest.raises(ManifestsInvalid, match=r"demo-crds: config/c\.yaml of example\.org/demo"):
        read(files, CRDS)


def test_lists_are_opened_and_kustomize_documents_left_out() -> None:
    text = (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n---\n"
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: Thing, metadata: {name: one}}\n"
        "- {apiVersion: v1, kind: Thing, metadata: {name: two}}\n"
    )

    assert names(tuple(parse(text))) == ["one", "two"]


def test_values_are_those_that_kubernetes_clients_read() -> None:
    text = crd("a") + "spec: {since: 2020-01-02, operator: =, mode: 0644, on: yes, port: '80', share: 0.5}\n"

    assert parse(text)[0]["spec"] == {
        "since": "2020-01-02",
        "operator": "=",
        "mode": 420,
        True: True,
        "port": "80",
        "share": 0.5,
    }


def test_the_pinned_folders_give_versions() -> None:
    assert golang.pinned_version(golang.MODULES / "kubernetes", "k8s.io/kubernetes") == "v1.36.3"
