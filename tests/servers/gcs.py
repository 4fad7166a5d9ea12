"""Cloud Storage's JSON API as it is documented, for buckets, their policies and objects' ends; HTTP on loopback."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answer = tuple[int, dict[str, Any]]
PROJECT, PROJECT_NUMBER = "acme-ml", "123456789012"
_WRITABLE = ("labels", "iamConfiguration", "versioning", "encryption", "lifecycle", "location")


@dataclass
class Gcs:
    """`start` and `stop`."""

    buckets: dict[str, dict[str, Any]] = field(default_factory=dict)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, set[tuple[str, int]]] = field(default_factory=dict)
    """Bucket → names and generations."""
    throttled: int = 0
    """So many calls are refused as too many."""
    raced: int = 0
    """So many times somebody else changes a policy between our reading and our writing."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"state": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> Gcs:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def put(self, bucket: str, name: str) -> None:
        """Stores one more generation of an object."""
        self.objects[bucket].add((name, secrets.randbits(40)))

    def foreign(self, bucket: str) -> None:
        """A bucket of a project that does not know us."""
        self.buckets[bucket] = {"name": bucket, "projectNumber": "999", "labels": {}, "foreign": True}

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        """Status and document of one call; calls come one at a time."""
        with self._lock:
            if self.throttled:
                self.throttled -= 1
                return _error(429, "The rate of requests is too high")
            parts = [unquote(part) for part in path.removeprefix("/storage/v1/b").strip("/").split("/") if part]
            if not parts:
                return self._insert(query, body)
            bucket = parts[0]
            found = self.buckets.get(bucket)
            if found is None:
                return _error(404, "The specified bucket does not exist.")
            if found.get("foreign"):
                return _error(403, "Caller does not have access to the Google Cloud Storage bucket.")
            match (method, parts[1:]):
                case ("GET", []):
                    return 200, found
                case ("PATCH", []):
                    return self._patch(found, query, body)
                case ("DELETE", []):
                    return self._delete(bucket)
                case ("GET", ["iam"]):
                    return 200, self.policies[bucket]
                case ("PUT", ["iam"]):
                    return self._set_policy(bucket, body)
                case ("GET", ["o"]):
                    items = [
                        {"name": n, "generation": str(g), "bucket": bucket} for n, g in sorted(self.objects[bucket])
                    ]
                    return 200, {"kind": "storage#objects", "items": items[: int(query.get("maxResults", 1000))]}
                case ("DELETE", ["o", *name]):
                    return self._delete_object(bucket, "/".join(name), int(query["generation"]))
        raise AssertionError(f"{method} {path} is not answered")

    def _insert(self, query: dict[str, str], body: dict[str, Any]) -> Answer:
        name = body["name"]
        if name in self.buckets:
            return _error(409, "The requested bucket name is not available.")
        assert query["project"] == PROJECT
        self.buckets[name] = {
            "name": name, "projectNumber": PROJECT_NUMBER, "metageneration": "1", "labels": {},
            **{key: value for key, value in body.items() if key in _WRITABLE},
        }  # fmt: skip
        self.objects[name] = set()
        self.policies[name] = {
            "kind": "storage#policy", "version": 1, "etag": "CAE=",
            "bindings": [
                {"role": "roles/storage.legacyBucketOwner",
                 "members": [f"projectEditor:{PROJECT}", f"projectOwner:{PROJECT}"]},
                {"role": "roles/storage.legacyBucketReader", "members": [f"projectViewer:{PROJECT}"]},
                {"role": "roles/storage.legacyObjectReader", "members": [f"projectViewer:{PROJECT}"]},
            ],
        }  # fmt: skip
        return 200, self.buckets[name]

    def _patch(self, found: dict[str, Any], query: dict[str, str], body: dict[str, Any]) -> Answer:
        if query.get("ifMetagenerationMatch", found["metageneration"]) != found["metageneration"]:
            return _error(412, "At least one of the pre-conditions you specified did not hold.")
        found.update({key: value for key, value in body.items() if key in _WRITABLE})
        found["metageneration"] = str(int(found["metageneration"]) + 1)
        return 200, found

    def _delete(self, bucket: str) -> Answer:
        if self.objects[bucket]:
            return _error(409, "The bucket you tried to delete is not empty.")
        for kept in (self.buckets, self.objects, self.policies):
            del kept[bucket]  # type: ignore[attr-defined]
        return 204, {}

    def _set_policy(self, bucket: str, body: dict[str, Any]) -> Answer:
        if self.raced:
            self.raced -= 1
            self.policies[bucket]["etag"] = secrets.token_hex(4)
            self.policies[bucket]["bindings"].append(
                {"role": "roles/storage.objectViewer", "members": [f"group:auditors-{self.raced}@example.com"]}
            )
        if body.get("etag") != self.policies[bucket]["etag"]:
            return _error(412, "The etag does not match.")
        self.policies[bucket] = {**body, "kind": "storage#policy", "etag": secrets.token_hex(4)}
        return 200, self.policies[bucket]

    def _delete_object(self, bucket: str, name: str, generation: int) -> Answer:
        if (name, generation) not in self.objects[bucket]:
            return _error(404, "No such object")
        self.objects[bucket].remove((name, generation))
        return 204, {}


def _error(status: int, message: str) -> Answer:
    return status, {"error": {"code": status, "message": message, "errors": [{"message": message}]}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Gcs

    def _serve(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        status, document = self.state.answer(self.command, url.path, query, body)
        text = b"" if status == 204 else json.dumps(document).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "11")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
