"""Style sheets, scripts, fonts and icons: read once, compressed once, served under a digest of them all.

A page refers to `/assets/<digest>/<path>`, which a browser may keep for ever: another content has another digest.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Response, request

from controlplane.errors import NotFound

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
_COMPRESSED = {".css", ".js", ".svg", ".txt"}
_YEAR = 31_536_000


@dataclass(frozen=True)
class Asset:
    content: bytes
    gzipped: bytes | None
    type: str


class Assets:
    """The files below a folder, in memory."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(p for p in folder.rglob("*") if p.suffix in _TYPES)
        self._assets = {p.relative_to(folder).as_posix(): _load(p) for p in paths}
        whole = hashlib.sha256()
        for path, asset in self._assets.items():
            whole.update(path.encode() + b"\0" + hashlib.sha256(asset.content).digest())
        self.digest = whole.hexdigest()[:12]

    def url(self, path: str) -> str:
        """Address of a file. Raises KeyError for a file that is not there, so that a template cannot misspell one."""
        self._assets[path]
        return f"/assets/{self.digest}/{path}"

    def response(self, digest: str, path: str) -> Response:
        """The file. Under another digest (a page from before an upgrade) it is given, but not kept by the browser."""
        asset = self._assets.get(path)
        if asset is None:
            raise NotFound
        response = Response(asset.content, content_type=asset.type)
        if asset.gzipped is not None:
            response.headers["Vary"] = "Accept-Encoding"
            if "gzip" in request.headers.get("Accept-Encoding", ""):
                response.set_data(asset.gzipped)
                response.headers["Content-Encoding"] = "gzip"
        kept = f"public, max-age={_YEAR}, immutable" if digest == self.digest else "no-cache"
        response.headers["Cache-Control"] = kept
        return response


def _load(path: Path) -> Asset:
    content = path.read_bytes()
    gzipped = gzip.compress(content, mtime=0) if path.suffix in _COMPRESSED else None
    return Asset(content, gzipped, _TYPES[path.suffix])
