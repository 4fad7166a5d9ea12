"""Making tools end to end with fake clients: order, progress, what is kept after a failure, and doing nothing twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infra.toolchain import service
from infra.toolchain.errors import BuildFailed, GoMissing, GoTooOld, UnknownTool, WrongVersion
from infra.toolchain.model import Progress, Tool, environment
from infra.toolchain.service import Toolchain
from infra.toolchain.versions import BY_NAME, DebianTool
from tests.unit.toolchain import fakes

SIMULATION = {
    "base": "Inst libc6 (2.36-9 Debian:12 [amd64])\nInst perl-base (5.36 Debian:12 [amd64])",
    "socat": "Inst libc6 (2.36-9 Debian:12 [amd64])\nInst libwrap0 (7.6.q-32 Debian:12 [amd64])\n"
    "Inst socat (1.7.4.4-2 Debian:12 [amd64])",
}


@pytest.fixture(autouse=True)
def _version_list(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {spec.name: spec for spec in (fakes.demo("one"), fakes.demo("two"), BY_NAME["socat"], BY_NAME["uv"])}
    monkeypatch.setattr(service, "BY_NAME", listed)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    return tmp_path / "bin"


@pytest.fixture
def toolchain(tmp_path: Path, programs: Path) -> Toolchain:
    return Toolchain(tmp_path / "cache", str(programs), fakes.modules(tmp_path / "modules"))


def debian_clients(programs: Path, says: str = "socat version 1.7.4.4 on today") -> None:
    """apt-get that knows socat and one library, and dpkg-deb that unpacks what the archive's name promises."""
    fakes.program(
        programs,
        "apt-get",
        f"""
case "$*" in
*"install ?essential"*) printf '%s\\n' '{SIMULATION["base"]}';;
*"install socat"*) printf '%s\\n' '{SIMULATION["socat"]}';;
*download*) for last; do case "$last" in *=*) case "$last" in APT*|Acq*) ;; *) : > "$last.deb";; esac;; esac; done;;
esac""",
    )
    fakes.program(
        programs,
        "dpkg-deb",
        f"""
case "$2" in
*socat=*) mkdir -p "$3/usr/bin"; printf '#!/bin/sh\\necho "{says} $LD_LIBRARY_PATH"\\n' > "$3/usr/bin/socat"
          chmod 755 "$3/usr/bin/socat";;
*libwrap0=*) mkdir -p "$3/usr/lib/x86_64-linux-gnu"; : > "$3/usr/lib/x86_64-linux-gnu/libwrap.so.0";;
*) exit 9;;
esac""",
    )


def test_missing_tools_are_built_and_then_found(toolchain: Toolchain, programs: Path, tmp_path: Path) -> None:
    fakes.go(programs)
    events: list[Progress] = []

    built = toolchain.ensure(["two", "one"], events.append)

    assert list(built) == ["one", "two"]
    assert built["one"].origin == "built"
    assert built["one"].path == tmp_path / "cache" / "tools" / "one" / "1.2.3" / "one"
    assert [(event.tool, event.state) for event in events if event.state != "fetching"] == [
        ("one", "waiting"),
        ("two", "waiting"),
        ("one", "building"),
        ("one", "done"),
        ("two", "building"),
        ("two", "done"),
    ]
    assert not (tmp_path / "cache" / "go-build").exists()
    assert sorted(path.name for path in (tmp_path / "cache" / "tools").iterdir()) == [
        ".lock",
        ".staging",
        "one",
        "two",
    ]

    before = fakes.calls(programs, "go")
    again = toolchain.ensure(["one", "two"], events.append)

    assert fakes.calls(programs, "go") == before
    assert {tool.origin for tool in again.values()} == {"cache"}
    assert events[-1].state == "done"
    assert events[-1].origin == "cache"


def test_a_build_is_pinned_static_and_says_its_version(toolchain: Toolchain, programs: Path) -> None:
    fakes.go(programs)
    toolchain.ensure(["one"])

    (build,) = [call for call in fakes.calls(programs, "go") if call.startswith("build")]
    assert "-ldflags -s -w -X main.Version=1.2.3 " in build
    assert build.endswith(" demo/one")


def test_a_binary_of_another_version_is_not_kept(toolchain: Toolchain, programs: Path, tmp_path: Path) -> None:
    fakes.go(programs, says="v9.9.9")

    with pytest.raises(WrongVersion, match=r"one: made at version 1\.2\.3, but it says 'v9\.9\.9'"):
        toolchain.ensure(["one"])

    assert not (tmp_path / "cache" / "tools" / "one").exists()
    assert list((tmp_path / "cache" / "tools" / ".staging").iterdir()) == []


def test_two_modules_compile_beside_each_other_and_tools_of_one_in_turn(
    toolchain: Toolchain, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each module's compiler waits for the other's to begin, and fails where its own module is being compiled."""
    other = tmp_path / "modules" / "other"
    other.mkdir()
    for name in ("go.mod", "go.sum"):
        (other / name).write_text("")
    three = replace(fakes.demo("three"), module="other")
    monkeypatch.setattr(service, "BY_NAME", {**service.BY_NAME, "three": three})
    fakes.go(programs).rename(programs / "compiler")
    fakes.program(
        programs,
        "go",
        f"""
[ "$1" = build ] || exec "{programs}/compiler" "$@"
module=$(basename "$PWD")
mkdir "{tmp_path}/busy-$module" || exit 1
: > "{tmp_path}/began-$module"
for _ in $(seq 200); do [ -e "{tmp_path}/began-demo" ] && [ -e "{tmp_path}/began-other" ] && break; sleep 0.05; done
[ -e "{tmp_path}/began-demo" ] && [ -e "{tmp_path}/began-other" ] || exit 1
"{programs}/compiler" "$@"
rmdir "{tmp_path}/busy-$module"
""",
    )
    assert set(toolchain.ensure(["one", "two", "three"])) == {"one", "two", "three"}


def test_a_failure_keeps_what_was_finished(toolchain: Toolchain, programs: Path, tmp_path: Path) -> None:
    fakes.go(programs)
    toolchain.ensure(["one"])
    fakes.program(programs, "go", 'case "$1" in env) echo go1.26.8; echo auto;; build) echo boom >&2; exit 1;; esac')
    events: list[Progress] = []

    with pytest.raises(BuildFailed, match="two: go build demo/two failed and said:\n  boom"):
        toolchain.ensure(["one", "two"], events.append)

    assert [event.state for event in events if event.tool == "two"][-1] == "failed"
    fakes.go(programs)
    tools = toolchain.ensure(["one", "two"])
    assert (tools["one"].origin, tools["two"].origin) == ("cache", "built")


def test_no_compiler(toolchain: Toolchain, tmp_path: Path) -> None:
    with pytest.raises(GoMissing, match=r"There is no Go on PATH\..*Install Go"):
        toolchain.ensure(["one"])
    assert not (tmp_path / "cache" / "tools" / "one").exists()


@pytest.mark.parametrize(
    ("version", "toolchain_setting", "enough"),
    [
        ("go1.26.5", "local", True),
        ("go1.26.4", "local", False),
        ("go1.27.1", "auto", True),
        ("go1.24.2", "auto", True),
        ("go1.24.2", "local", False),
        ("go1.24.2", "local+path", False),
        ("go1.20.14", "", False),
    ],
)
def test_which_compilers_will_do(
    toolchain: Toolchain, programs: Path, version: str, toolchain_setting: str, enough: bool
) -> None:
    fakes.go(programs, version, toolchain_setting)

    if enough:
        toolchain.ensure(["one"])
    else:
        with pytest.raises(GoTooOld, match=r"they need 1\.26\.5 or newer"):
            toolchain.ensure(["one"])


def test_unknown_names_are_refused_before_any_work(toolchain: Toolchain) -> None:
    with pytest.raises(UnknownTool, match=r"There is no tool named 'nope'\. Known: one, two, socat, uv"):
        toolchain.ensure(["one", "nope"])


def test_debian_tools_are_unpacked_with_what_they_need(toolchain: Toolchain, programs: Path, tmp_path: Path) -> None:
    debian_clients(programs)

    socat = toolchain.ensure(["socat"])["socat"]

    folder = tmp_path / "cache" / "tools" / "socat" / "1.7.4.4-2"
    assert socat == Tool(
        "socat",
        "1.7.4.4-2",
        folder / "root/usr/bin/socat",
        "extracted",
        {"LD_LIBRARY_PATH": f"{folder}/root/usr/lib/x86_64-linux-gnu"},
    )
    assert not any("libc6" in call for call in fakes.calls(programs, "dpkg-deb"))
    assert not list(folder.rglob("*.deb"))

    before = fakes.calls(programs, "apt-get")
    assert toolchain.ensure(["socat"])["socat"].origin == "cache"
    assert fakes.calls(programs, "apt-get") == before


def test_old_package_lists_are_renewed_once(toolchain: Toolchain, programs: Path) -> None:
    debian_clients(programs)
    working = (programs / "apt-get").read_text()
    (programs / "apt-get").write_text(
        working.replace(
            "case",
            f'if [ ! -e "{programs}/updated" ]; then case "$*" in *update*) : > "{programs}/updated"; exit 0;; '
            "*) echo 'E: Unable to locate package socat' >&2; exit 100;; esac; fi\ncase",
            1,
        )
    )

    toolchain.ensure(["socat"])

    assert sum("update" in call for call in fakes.calls(programs, "apt-get")) == 1


def test_a_debian_tool_outside_its_range_is_not_kept(toolchain: Toolchain, programs: Path, tmp_path: Path) -> None:
    debian_clients(programs, says="socat version 1.2.0")

    with pytest.raises(WrongVersion, match=r"socat: made at version 1\.7 or newer, but it says"):
        toolchain.ensure(["socat"])

    assert not (tmp_path / "cache" / "tools" / "socat").exists()


def test_inspect_says_what_will_happen_and_makes_nothing(toolchain: Toolchain, programs: Path, tmp_path: Path) -> None:
    fakes.go(programs)
    debian_clients(programs)
    toolchain.ensure(["one"])
    path = fakes.program(programs, "socat", "echo socat version 1.5.0")

    one, two, socat, uv = toolchain.inspect(["one", "two", "socat", "uv"])

    assert (one.action, one.ok, one.found) == ("use", True, f"1.2.3 at {tmp_path}/cache/tools/one/1.2.3/one")
    assert (two.action, two.ok, two.found, two.seconds) == ("build", True, "not there yet", 1)
    assert (socat.action, socat.found) == ("extract", f"{path} is 1.5.0, wanted is 1.7 or newer")
    assert uv.action == "use"
    assert not (tmp_path / "cache" / "tools" / "two").exists()


def test_inspect_names_the_client_that_is_missing(toolchain: Toolchain) -> None:
    one, socat = toolchain.inspect(["one", "socat"])

    assert (one.action, one.ok) == ("none", False)
    assert "There is no Go on PATH." in one.remedy
    assert (socat.action, socat.ok) == ("none", False)
    assert "There is no apt-get and no dpkg-deb on PATH" in socat.remedy


def test_environment_joins_what_tools_need() -> None:
    tools = [
        Tool("a", "1", Path("/c/a/bin/a"), "cache", {"LD_LIBRARY_PATH": "/c/a/lib"}),
        Tool("b", "1", Path("/c/b/bin/b"), "cache", {"LD_LIBRARY_PATH": "/c/b/lib:/c/a/lib", "PERL5LIB": "/c/b/perl"}),
        Tool("plugins", "1", Path("/c/p/usr/lib/cni/bridge"), "cache"),
        Tool("d", "1", Path("/c/a/bin/d"), "path"),
    ]
    base = {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/mine"}

    assert environment(tools, base) == {
        "PATH": "/c/a/bin:/c/b/bin:/usr/bin",
        "LD_LIBRARY_PATH": "/c/a/lib:/c/b/lib:/mine",
        "PERL5LIB": "/c/b/perl",
    }
    assert base == {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/mine"}


def test_the_list_that_is_used_elsewhere_has_these_names() -> None:
    assert {name for name, spec in BY_NAME.items() if isinstance(spec, DebianTool)} >= {
        "containerd",
        "runc",
        "containernetworking-plugins",
        "mmdebstrap",
    }
