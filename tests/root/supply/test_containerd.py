"""Archives taken in by a real containerd of the test's own: root, state and socket below a temporary folder."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.images import GoBinary, Image, TextFile
from infra.hosts import images
from infra.hosts.transport import Completed, Input, ShellFiles
from infra.installation.home import cache_root
from infra.supply.model import BuiltImage
from infra.supply.source import SourceSupply
from infra.toolchain.model import Tool, environment
from infra.toolchain.service import Toolchain
from tests.unit.supply.layouts import ctr_export, docker_save, skopeo_all

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root for containerd")]

TOOLS = ("containerd", "runc", "pause")
CLEARED = ("cri", "aufs", "btrfs", "devmapper", "zfs")

IMAGE = Image(
    "hello",
    "1",
    (GoBinary("pause", "/pause"), TextFile("/etc/mlp/greeting", "hello\n")),
    base="scratch",
    entrypoint=("/pause",),
    command=("-version",),
)


class Toolbox:
    """The toolchain as the supply wants it, restricted to what is there already."""

    def __init__(self, tools: dict[str, Tool]) -> None:
        self.tools = tools

    def ensure(self, names: Collection[str]) -> dict[str, Tool]:
        return {name: self.tools[name] for name in names}


@dataclass(frozen=True)
class Containerd:
    socket: Path
    env: dict[str, str]

    def ctr(self, arguments: Sequence[str], stdin: bytes = b"") -> str:
        command = ["ctr", "--address", str(self.socket), "--namespace", "k8s.io", *arguments]
        done = subprocess.run(command, input=stdin, env=self.env, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def images(self) -> dict[str, str]:
        rows = [line.split() for line in self.ctr(["images", "ls"]).splitlines()[1:]]
        return {row[0]: row[2] for row in rows}


@pytest.fixture(scope="module")
def tools() -> dict[str, Tool]:
    toolchain = Toolchain(cache_root())
    absent = [finding.name for finding in toolchain.inspect(TOOLS) if finding.action != "use"]
    if absent:
        pytest.skip(f"needs {', '.join(absent)} in the tool cache; `platform tools` makes them")
    return toolchain.ensure(TOOLS)


@pytest.fixture
def containerd(tools: dict[str, Tool], tmp_path: Path) -> Iterator[Containerd]:
    folder = tmp_path / "containerd"
    folder.mkdir()
    socket, log = folder / "sock", folder / "log"
    plugins = [f"io.containerd.{'grpc' if name == 'cri' else 'snapshotter'}.v1.{name}" for name in CLEARED]
    (folder / "config.toml").write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\ndisabled_plugins = {json.dumps(plugins)}\n'
        f'[grpc]\naddress = "{socket}"\n[ttrpc]\naddress = "{socket}.ttrpc"\n'
    )
    env = environment(tools.values())
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(tools["containerd"].path), "--config", str(folder / "config.toml")],
            env=env,
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + 20
        while not socket.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield Containerd(socket, env)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def supply(tools: dict[str, Tool], tmp_path: Path) -> SourceSupply:
    return SourceSupply(tmp_path / "cache", Toolbox(tools), tmp_path)


def take_in(containerd: Containerd, supply: SourceSupply, image: BuiltImage, present: Collection[str] = ()) -> int:
    """Imports by a pipe as nodes do; gives the archive's size."""
    stream = io.BytesIO()
    supply.write_archive([image], stream, present)
    containerd.ctr(["images", "import", "-"], stream.getvalue())
    return len(stream.getvalue())


def test_an_archive_is_imported_under_its_reference_and_runs(containerd: Containerd, supply: SourceSupply) -> None:
    image = supply.build([IMAGE])["hello"]
    take_in(containerd, supply, image)
    assert containerd.images() == {image.reference: image.digest}
    said = containerd.ctr(
        ["run", "--rm", "--runc-root", str(containerd.socket.parent / "runc"), image.reference, "one"]
    )
    assert "1.0.0" in said


def test_a_changed_image_is_imported_with_its_new_layer_alone(containerd: Containerd, supply: SourceSupply) -> None:
    first = supply.build([IMAGE])["hello"]
    whole = take_in(containerd, supply, first)
    changed = Image(**{**IMAGE.__dict__, "layers": (IMAGE.layers[0], TextFile("/etc/mlp/greeting", "good day\n"))})
    second = supply.build([changed])["hello"]
    present = containerd.ctr(["content", "ls", "-q"]).split()
    part = take_in(containerd, supply, second, present)
    assert part < whole / 10
    assert containerd.images() == {image.reference: image.digest for image in (first, second)}
    mounted = containerd.socket.parent / "mounted"
    mounted.mkdir()
    containerd.ctr(["images", "mount", second.reference, str(mounted)])
    try:
        assert (mounted / "etc/mlp/greeting").read_text() == "good day\n"
        assert (mounted / "tmp").stat().st_mode & 0o7777 == 0o1777
        assert (mounted / "pause").stat().st_mode & 0o7777 == 0o755
    finally:
        containerd.ctr(["images", "unmount", str(mounted)])


@pytest.mark.parametrize("write", [docker_save, skopeo_all, ctr_export])
def test_an_image_that_others_wrote_is_imported_with_its_layers_as_they_are(
    write: Callable[[Path], Path], containerd: Containerd, supply: SourceSupply, tmp_path: Path
) -> None:
    (given,) = supply.take([write(tmp_path / "app.tar")])
    image = given.image
    before = take_in(containerd, supply, image)
    assert images.present(Here(containerd)) == {image.reference: image.digest}
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    containerd.ctr(["images", "mount", image.reference, str(mounted)])
    try:
        assert (mounted / "app").read_bytes()
    finally:
        containerd.ctr(["images", "unmount", str(mounted)])
    there = containerd.ctr(["content", "ls", "-q"]).split()
    assert image.layers[0].digest in there
    containerd.ctr(["images", "rm", image.reference])
    with images.held(Here(containerd), [image.layers[0].digest]) as held:
        assert take_in(containerd, supply, image, held) <= before
    assert images.present(Here(containerd)) == {image.reference: image.digest}


class Here(ShellFiles):
    """The hosts' transport, ending at this containerd."""

    host = "here"

    def __init__(self, containerd: Containerd) -> None:
        self._env = {**containerd.env, "CONTAINERD_ADDRESS": str(containerd.socket)}

    def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
        given = {"env": self._env, "stdin": subprocess.DEVNULL, "timeout": timeout}
        done = subprocess.run(argv, capture_output=True, check=False, **given)
        assert not check or done.returncode == 0, done.stderr.decode()
        return Completed(done.returncode, done.stdout, done.stderr.decode())


def test_content_that_no_image_names_is_kept_while_it_is_held(containerd: Containerd, supply: SourceSupply) -> None:
    def ingest(content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        containerd.ctr(["content", "ingest", "--expected-digest", digest, f"test-{digest}"], content)
        return digest

    def collect_garbage() -> set[str]:
        image = supply.build([IMAGE])["hello"]
        take_in(containerd, supply, image)
        containerd.ctr(["images", "rm", "--sync", image.reference])
        return set(containerd.ctr(["content", "ls", "-q"]).split())

    kept = ingest(b"kept")
    with images.held(Here(containerd), [kept, "sha256:" + 64 * "0"]) as held:
        loose = ingest(b"loose")
        assert held == {kept}
        left = collect_garbage()
        assert kept in left
        assert loose not in left
    assert kept not in collect_garbage()


def test_an_image_that_lost_content_is_not_there(containerd: Containerd, supply: SourceSupply) -> None:
    image = supply.build([IMAGE])["hello"]
    take_in(containerd, supply, image)
    assert images.present(Here(containerd)) == {image.reference: image.digest}
    containerd.ctr(["content", "rm", image.layers[0].digest])
    assert images.present(Here(containerd)) == {}
