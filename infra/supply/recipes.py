"""What each layer of an image is made from, as data: equal recipes give equal layers, so a built one is used again.

A recipe names inputs by content (digests), never by place or time. Debian package versions are resolved while building
and are no input: a layer stays as built until its recipe changes or a rebuild is asked for; its receipt names them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from components.images import DebianPackages, GoBinary, Image, Layer, PythonPackages, SourceTree, TextFile
from infra.supply.errors import BadImage
from infra.supply.model import Blob

DEBIAN_RELEASE = "trixie"
BASE_PACKAGES = ("ca-certificates", "libstdc++6", "python3")
"""Wheels may count on the C++ library (manylinux); everything else they bring."""

LEFT_OUT = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/i18n/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/bug/*",
    "path-exclude=/usr/share/bash-completion/*",
    "path-exclude=/usr/share/gcc/*",
    "path-exclude=/usr/include/*",
    "path-exclude=/usr/lib/*/perl/*/CORE/*",
    "path-exclude=/usr/lib/postgresql/*/bitcode/*",
    "path-exclude=/usr/lib/postgresql/*/llvmjit*",
    "path-exclude=/usr/lib/*/libLLVM*",
    "path-exclude=/usr/lib/*/libz3*",
)
"""What dpkg leaves out, in the base and in every layer on it: documents but licences, headers, and the 200 MB that
PostgreSQL's just-in-time compiler takes (without its library PostgreSQL goes on without compiling)."""
PYTHON_SERIES = "3.13"
"""The Python of DEBIAN_RELEASE; wheels are chosen for it."""

_RULES = {"skeleton": 1, "debian-base": 1, "debian": 1, "python": 1, "go": 1, "source": 1, "text": 1}
"""How each kind is built. Raise a number when the code that builds the kind changes what comes out."""


@dataclass(frozen=True)
class Recipe:
    """One layer to be. `inputs` is a JSON document; `layer` is None for the two bases."""

    kind: str
    title: str
    inputs: str
    layer: Layer | None = None

    @property
    def key(self) -> str:
        """SHA-256 in hex over everything that decides the layer's content."""
        return hashlib.sha256(f"{self.kind}/{_RULES[self.kind]}/{self.inputs}".encode()).hexdigest()


@dataclass(frozen=True)
class Base:
    """The Debian base that layers stand on: its layer and its exact Python version."""

    blob: Blob
    python: str


@dataclass(frozen=True)
class SourceFile:
    """One project file of a source layer. `path` is relative to the project's root."""

    path: str
    digest: str
    executable: bool


def check(image: Image) -> None:
    """Raises BadImage where the layers do not fit the base or each other."""
    kinds = [type(layer) for layer in image.layers]
    if image.base not in ("scratch", "debian"):
        raise BadImage(f"Image {image.name!r} has base {image.base!r}; it must be 'scratch' or 'debian'.")
    if image.base == "scratch" and (DebianPackages in kinds or PythonPackages in kinds):
        raise BadImage(f"Image {image.name!r} has base 'scratch' but layers that need Debian. Set base='debian'.")
    if kinds.count(DebianPackages) > 1:
        raise BadImage(f"Image {image.name!r} has several Debian layers. Name all packages in one DebianPackages.")
    user, _, group = image.user.partition(":")
    if not user.isdecimal() or not (group or "0").isdecimal():
        raise BadImage(f"Image {image.name!r} has user {image.user!r}; it must be numeric, such as '65532:65532'.")


def needs_debian(images: Sequence[Image]) -> bool:
    return any(image.base == "debian" for image in images)


def skeleton() -> Recipe:
    return Recipe("skeleton", "folders and users of static images", "{}")


def debian_base(architecture: str) -> Recipe:
    inputs = {"release": DEBIAN_RELEASE, "packages": BASE_PACKAGES, "left_out": LEFT_OUT, "architecture": architecture}
    return Recipe("debian-base", f"Debian {DEBIAN_RELEASE} with Python", _canonical(inputs))


def debian(layer: DebianPackages, base: Base) -> Recipe:
    packages = sorted(set(layer.packages))
    return Recipe(
        "debian",
        f"Debian packages {', '.join(packages)}",
        _canonical({"base": base.blob.digest, "packages": packages}),
        layer,
    )


def python(layer: PythonPackages, lock_digest: str, base: Base, architecture: str) -> Recipe:
    inputs: dict[str, Any] = {"lock": lock_digest, "python": base.python, "architecture": architecture}
    if layer.without:
        inputs["without"] = sorted(layer.without)
    return Recipe("python", f"Python packages of {layer.lock}", _canonical(inputs), layer)


def go(layer: GoBinary, digest: str) -> Recipe:
    return Recipe("go", f"tool {layer.tool}", _canonical({"binary": digest, "path": binary_path(layer)}), layer)


def source(layer: SourceTree, files: Sequence[SourceFile], base: Base | None) -> Recipe:
    """`base` is None for images without Python: their files are not compiled."""
    inputs = {
        "dest": _inside(layer.dest),
        "files": [[file.path, file.digest, file.executable] for file in sorted(files, key=lambda file: file.path)],
        "python": base.python if base else None,
    }
    return Recipe("source", f"source of {', '.join(layer.paths)}", _canonical(inputs), layer)


def text(layer: TextFile) -> Recipe:
    content = hashlib.sha256(layer.content.encode()).hexdigest()
    inputs = {"path": _inside(layer.path), "content": content, "mode": layer.mode}
    return Recipe("text", f"file {layer.path}", _canonical(inputs), layer)


def binary_path(layer: GoBinary) -> str:
    """Path of the binary, relative to the image's root."""
    return _inside(layer.path or f"/usr/local/bin/{layer.tool}")


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if not pure.is_absolute() or ".." in pure.parts or len(pure.parts) < 2:
        raise BadImage(f"A layer places files at {path!r}; it must be an absolute path below / without '..'.")
    return str(pure.relative_to("/"))


def _canonical(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
