"""Puts images of the blob store into a registry, by the OCI distribution specification 1.1.

A blob that is there is not sent again, so an interrupted push goes on where it was. Manifests come last: a tag never
names an image that is not whole.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx

from infra.supply.errors import PushFailed
from infra.supply.media import MANIFESTS
from infra.supply.model import Blob, BuiltImage, Progress, SupplyEvent, no_progress
from infra.supply.store import BlobStore

_AT_ONCE = 4
_ATTEMPTS = 5
_FIRST_WAIT = 0.5
"""Seconds before the second attempt; doubled with every further one."""
_CHUNK = 1 << 20
_TIMEOUT = httpx.Timeout(60, read=300, write=300)
_MANIFEST_TYPES = ", ".join(sorted(MANIFESTS))
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Credentials:
    """Who pushes. Sent to the registry, or to the token service that it names."""

    user: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class Target:
    """A reference taken apart."""

    host: str
    repository: str
    tag: str

    @classmethod
    def of(cls, reference: str) -> Target:
        """Of `host[:port]/repository:tag`."""
        host, _, rest = reference.partition("/")
        repository, _, tag = rest.rpartition(":")
        return cls(host, repository, tag)


def push(
    store: BlobStore,
    images: Sequence[BuiltImage],
    credentials: Callable[[], Credentials | None],
    progress: Progress = no_progress,
    *,
    scheme: str = "https",
) -> int:
    """Pushes images to the registry that their references name; gives the bytes that were sent.

    `credentials` is asked once, and again where the registry says that they ended. Raises PushFailed.
    """
    sent = 0
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=False) as http, ThreadPoolExecutor(_AT_ONCE) as pool:
        clients: dict[tuple[str, str], _Repository] = {}
        for image in images:
            target = Target.of(image.reference)
            key = (target.host, target.repository)
            repository = clients.setdefault(key, _Repository(http, f"{scheme}://{target.host}", target, credentials))
            if repository.has_manifest(image.digest, target.tag):
                progress(SupplyEvent(image.name, "reused", size=image.size))
                continue
            progress(SupplyEvent(image.name, "started", size=image.size))
            began = time.monotonic()
            # The config is small and the first call of a new repository: some registries make it then.
            sent += repository.send(store, image.config)
            sent += sum(pool.map(lambda blob: repository.send(store, blob), dict.fromkeys(image.layers)))  # noqa: B023
            repository.put_manifest(target.tag, store.read(image.manifest), image.media_type)
            progress(SupplyEvent(image.name, "built", time.monotonic() - began, image.size))
    return sent


class _Interrupted(PushFailed):
    """Another attempt may help."""


class _Repository:
    """One repository of a registry. A token serves it until the registry refuses it."""

    def __init__(
        self, http: httpx.Client, base: str, target: Target, credentials: Callable[[], Credentials | None]
    ) -> None:
        self._http = http
        self._base = base
        self._name = target.repository
        self._credentials = credentials
        self._authorization = ""

    def has_manifest(self, digest: str, tag: str) -> bool:
        """Whether the tag names exactly this image."""
        answer = self._call("HEAD", self._path(f"manifests/{tag}"), headers={"Accept": _MANIFEST_TYPES}, absent=True)
        return answer.status_code == 200 and answer.headers.get("Docker-Content-Digest") == digest

    def send(self, store: BlobStore, blob: Blob) -> int:
        """Uploads a blob in one piece unless it is there; gives the bytes sent.

        An upload that broke off can't be gone on with in one piece, so each attempt opens its own.
        """
        if self._call("HEAD", self._path(f"blobs/{blob.digest}"), absent=True).status_code == 200:
            return 0
        for attempt in range(_ATTEMPTS):
            opened = self._call("POST", self._path("blobs/uploads/"), headers={"Content-Length": "0"})
            location = urljoin(str(opened.request.url), opened.headers["Location"])
            separator = "&" if "?" in location else "?"
            try:
                self._call(
                    "PUT",
                    f"{location}{separator}digest={blob.digest}",
                    headers={"Content-Type": "application/octet-stream", "Content-Length": str(blob.size)},
                    body=store.path(blob.digest),
                    attempts=1,
                )
            except _Interrupted:
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_FIRST_WAIT * 2**attempt)
            else:
                break
        return blob.size

    def put_manifest(self, tag: str, document: bytes, media_type: str) -> None:
        self._call("PUT", self._path(f"manifests/{tag}"), headers={"Content-Type": media_type}, body=document)

    def _path(self, rest: str) -> str:
        return f"{self._base}/v2/{self._name}/{rest}"

    def _call(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        body: Path | bytes | None = None,
        *,
        absent: bool = False,
        attempts: int = _ATTEMPTS,
    ) -> httpx.Response:
        """`absent`: 404 is an answer. Raises PushFailed with the registry's own words; _Interrupted where another
        attempt may help."""
        refused, attempt = False, 0
        while True:
            try:
                content = _pieces(body) if isinstance(body, Path) else body
                answer = self._http.request(method, url, headers=self._headers(url, headers), content=content)
            except httpx.HTTPError as error:
                failed: PushFailed = _Interrupted(f"The registry at {self._base} can't be used: {error}.")
                failed.__cause__ = error
            else:
                if answer.status_code < 300 or (absent and answer.status_code == 404):
                    return answer
                if answer.status_code == 401 and not refused:
                    refused = True
                    self._authorization = self._authorize(answer.headers.get("WWW-Authenticate", ""))
                    continue
                kind = _Interrupted if answer.status_code in _AGAIN else PushFailed
                failed = kind(_refusal(self._base, self._name, method, answer))
            attempt += 1
            if attempt == attempts or not isinstance(failed, _Interrupted):
                raise failed
            time.sleep(_FIRST_WAIT * 2 ** (attempt - 1))

    def _headers(self, url: str, headers: dict[str, str] | None) -> dict[str, str]:
        """With the authorization for the registry itself only: uploads may lead to another host."""
        same = urlsplit(url)[:2] == urlsplit(self._base)[:2]
        authorization = {"Authorization": self._authorization} if self._authorization and same else {}
        return {**(headers or {}), **authorization}

    def _authorize(self, challenge: str) -> str:
        """The Authorization header that a challenge asks for."""
        who = self._credentials()
        kind, _, rest = challenge.partition(" ")
        parameters = dict(_parameters(rest))
        if kind.lower() == "basic" and who:
            return who.basic
        if kind.lower() != "bearer" or "realm" not in parameters:
            raise PushFailed(
                f"The registry at {self._base} wants a login that is not there ({challenge or 'of an unnamed kind'}). "
                "Sign in to it, then run the same command again."
            )
        if self._base.startswith("https://") and not parameters["realm"].startswith("https://"):
            raise PushFailed(f"The registry at {self._base} names a token service without TLS: {parameters['realm']}.")
        query: dict[str, str] = {key: parameters[key] for key in ("service", "scope") if key in parameters}
        headers = {"Authorization": who.basic} if who else {}
        try:
            answer = self._http.get(parameters["realm"], params=query, headers=headers)
            document = answer.raise_for_status().json()
        except (httpx.HTTPError, json.JSONDecodeError) as error:
            raise PushFailed(f"The token service of {self._base} gives no token: {error}.") from error
        return f"Bearer {document.get('token') or document.get('access_token')}"


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while piece := handle.read(_CHUNK):
            yield piece


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    """`key="value"` pairs of a challenge; values may hold commas."""
    while "=" in text:
        key, _, rest = text.partition("=")
        if rest.startswith('"'):
            value, _, text = rest[1:].partition('"')
        else:
            value, _, text = rest.partition(",")
        yield key.strip(" ,").lower(), value
        text = text.lstrip(" ,")


def _refusal(base: str, name: str, method: str, answer: httpx.Response) -> str:
    try:
        said = "; ".join(f"{one['code']}: {one.get('message', '')}" for one in answer.json()["errors"])
    except (ValueError, KeyError, TypeError):
        said = answer.text[:200].strip() or "without a reason"
    return f"The registry at {base} answered {method} in repository {name} with {answer.status_code}: {said}."
