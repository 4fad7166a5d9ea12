"""Our programs on a bare host: what belongs there, and pushing what is missing, by content.

Each file lies in a folder of its own content (`STORE`), and links bear the names that others use. So a version replaces
another at once, and what is there already is not sent again.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import tarfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from infra.hosts.errors import CommandFailed, DeadlinePassed, HostError
from infra.hosts.layout import CNI_BIN_DIR, TOOLS_DIR
from infra.hosts.transport import Transport

ROOT = "/opt/mlp"
STORE = f"{ROOT}/store"
LIBRARIES = f"{ROOT}/lib"
EXTENSIONS = f"{ROOT}/xtables"
PUSH_SECONDS = 900.0

_OF_THE_SYSTEM = re.compile(
    r"(linux-vdso|ld-linux[^.]*|libc|libm|libdl|librt|libpthread|libresolv|libutil|libanl|libnsl|libnss_\w+)\.so.*"
)
"""The C library belongs together and to the host; any other one is ours."""


@dataclass(frozen=True)
class Item:
    """A file of ours on the host. `link` is the name that others use."""

    link: str
    source: Path
    digest: str
    size: int

    @property
    def place(self) -> str:
        """Below STORE: same content and name, same place."""
        return f"{self.digest[:32]}/{PurePosixPath(self.link).name}"


def items(tools: Mapping[str, str], env: Mapping[str, str]) -> tuple[Item, ...]:
    """Everything that belongs on a host. `tools` and `env` as in HostSpec.

    Reads the files. Raises HostError for one that is not there.
    """
    found: dict[str, Path] = {}
    for name, path in tools.items():
        inside = f"{CNI_BIN_DIR}/{name.removeprefix('cni/')}" if name.startswith("cni/") else f"{TOOLS_DIR}/{name}"
        found[inside] = Path(path).resolve()
    for program in tuple(found.values()):
        for name, library in libraries(program, env).items():
            found.setdefault(f"{LIBRARIES}/{name}", library)
    found |= _extensions(env)
    try:
        return tuple(_item(link, path) for link, path in sorted(found.items()))
    except OSError as error:
        raise HostError(
            f"{error.filename} cannot be read: {error.strerror}; `platform up` brings tools anew"
        ) from error


def _extensions(env: Mapping[str, str]) -> dict[str, Path]:
    """iptables' own modules, which it loads by name."""
    found: dict[str, Path] = {}
    for folder in filter(None, env.get("XTABLES_LIBDIR", "").split(":")):
        for path in sorted(Path(folder).glob("*.so")):
            found.setdefault(f"{EXTENSIONS}/{path.name}", path.resolve())
    return found


def _item(link: str, path: Path) -> Item:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Item(link, path, digest, path.stat().st_size)


def libraries(path: Path, env: Mapping[str, str]) -> dict[str, Path]:
    """Name → file of each shared library that a program loads here, but for the C library's own."""
    said = subprocess.run(
        ["ldd", str(path)], env={**os.environ, **env}, capture_output=True, text=True, check=False, timeout=20
    )
    return parse_ldd(said.stdout) if said.returncode == 0 else {}  # static, or no program of this machine


def parse_ldd(text: str) -> dict[str, Path]:
    """`name => /path (0x…)` lines as name → resolved path, the C library left out."""
    found = {}
    for line in text.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if arrow and rest.startswith("/") and not _OF_THE_SYSTEM.fullmatch(name):
            found[name] = Path(rest.split(" (")[0]).resolve()
    return found


def environment(pushed: Iterable[Item]) -> dict[str, str]:
    """What our programs need to find the rest of ours."""
    links = [item.link for item in pushed]
    wanted = {"LD_LIBRARY_PATH": LIBRARIES, "XTABLES_LIBDIR": EXTENSIONS}
    return {name: folder for name, folder in wanted.items() if any(link.startswith(f"{folder}/") for link in links)}


_PRESENT = f"cd {STORE} 2>/dev/null && find . -mindepth 2 -maxdepth 2 -type f || true"
_UNPACK = f"""
set -eu
umask 022
rm -rf {STORE}/.new
mkdir -p {STORE}/.new
cd {STORE}/.new
tar -xf -
sha256sum --quiet -c SUMS
rm SUMS
for folder in *; do
  [ -d "$folder" ] || continue
  mkdir -p "../$folder"
  for file in "$folder"/*; do mv -f "$file" "../$file"; done
done
rm -rf {STORE}/.new
"""
_LINK = f"""
set -eu
umask 022
while read -r link place; do
  mkdir -p "${{link%/*}}"
  if [ "$(readlink "$link" || true)" != "{STORE}/$place" ]; then
    ln -sfn "{STORE}/$place" "$link.new"
    mv -fT "$link.new" "$link"
  fi
done
"""
_PRUNE = f"""
set -eu
cd {STORE}
keep=$(cat)
for file in */*; do
  case "
$keep
" in *"
$file
"*) ;; *) rm -f "$file"; rmdir "${{file%/*}}" 2>/dev/null || true ;; esac
done
for folder in {TOOLS_DIR} {LIBRARIES} {EXTENSIONS} {CNI_BIN_DIR}; do
  [ -d "$folder" ] || continue
  for link in "$folder"/*; do
    if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f "$link"; fi
  done
done
"""


def push(transport: Transport, wanted: tuple[Item, ...]) -> int:
    """Brings what the host lacks, lets the links lead to it and removes what is no longer wanted; gives bytes sent."""
    there = {line.removeprefix("./") for line in transport.run(["/bin/sh", "-c", _PRESENT]).text.split()}
    absent = {item.place: item for item in wanted if item.place not in there}
    if absent:
        _send(transport, list(absent.values()))
    links = "".join(f"{item.link} {item.place}\n" for item in wanted)
    transport.run(["/bin/sh", "-c", _LINK], stdin=links.encode())
    transport.run(["/bin/sh", "-c", _PRUNE], stdin="".join(f"{item.place}\n" for item in wanted).encode())
    return sum(item.size for item in absent.values())


def _send(transport: Transport, absent: list[Item]) -> None:
    """As one tar stream, checked against its sums before anything of it is used."""
    reading, writing = os.pipe()
    failure: list[BaseException] = []

    def produce() -> None:
        try:
            with os.fdopen(writing, "wb") as stream:
                _write(stream, absent)
        except BrokenPipeError:
            return  # the host's side ended early; its own message says why
        except BaseException as error:  # noqa: BLE001 - handed to the calling thread
            failure.append(error)

    producer = threading.Thread(target=produce, name="tools", daemon=True)
    producer.start()
    try:
        with os.fdopen(reading, "rb") as stream:
            transport.run(["/bin/sh", "-c", _UNPACK], stdin=stream, timeout=PUSH_SECONDS)
    except (CommandFailed, DeadlinePassed):
        producer.join(5)
        if failure:
            raise failure[0] from None
        raise
    producer.join()
    if failure:
        raise failure[0]


def _write(stream: io.BufferedWriter, absent: list[Item]) -> None:
    sums = "".join(f"{item.digest}  {item.place}\n" for item in absent).encode()
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        head = tarfile.TarInfo("SUMS")
        head.size = len(sums)
        archive.addfile(head, io.BytesIO(sums))
        for item in absent:
            entry = tarfile.TarInfo(item.place)
            entry.size, entry.mode = item.size, 0o755
            with item.source.open("rb") as content:
                archive.addfile(entry, content)
