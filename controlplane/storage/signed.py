"""Signed HTTP to the S3 server: its admin API, and single S3 calls as one workspace's user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import httpx2
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningKeys

from controlplane.storage.credentials import Credentials
from controlplane.storage.errors import StorageAway, StorageRefused

_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,60})</Code>")
_TIMEOUT = 10.0


class SignedHttp:
    """One pool of connections for all users; threads may share it."""

    def __init__(self, region: str, *, transport: httpx2.BaseTransport | None = None) -> None:
        self._region = region
        # The storage is inside the cluster, never behind the web proxy of the environment.
        self._client = httpx2.Client(timeout=_TIMEOUT, trust_env=False, transport=transport)

    def close(self) -> None:
        """Closes every connection."""
        self._client.close()

    def send(
        self,
        method: str,
        url: str,
        keys: Credentials,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Status and S3 error code (empty on success). StorageAway when there is no answer, or one of 429 and 5xx."""
        request = AWSRequest(method, url, dict(headers or {}), body)
        S3SigV4Auth(SigningKeys(keys.access, keys.secret), "s3", self._region).add_auth(request)
        prepared = request.prepare()
        try:
            answer = self._client.request(method, prepared.url, content=body, headers=dict(prepared.headers))
        except httpx2.TransportError as error:
            raise StorageAway(f"the object storage does not answer: {type(error).__name__}") from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise StorageAway(f"the object storage answered {answer.status_code}")
        found = _CODE.search(answer.content)
        return answer.status_code, found[1].decode() if found else ""


class Admin:
    """The admin API (components/storage/README.md), as root. Every call may be repeated."""

    def __init__(self, http: SignedHttp, url: str, root: Credentials) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._root = root

    def ensure_user(self, user: Credentials) -> None:
        """The user exists and has this secret key; the one it had before stops at once."""
        secret = f"<Secret>{escape(user.secret)}</Secret><Role>user</Role>"
        account = f"<Account><Access>{escape(user.access)}</Access>{secret}</Account>"
        if self._call("/create-user", body=account, fine=(409,)) == 409:
            self._call("/update-user", {"access": user.access}, f"<MutableProps>{secret}</MutableProps>")

    def delete_user(self, access: str) -> None:
        """The user's keys stop at once. Absent is fine."""
        self._call("/delete-user", {"access": access}, fine=(404,))

    def ensure_bucket(self, bucket: str, owner: str) -> None:
        """The bucket exists and belongs to the user, who must exist."""
        if self._call(f"/{quote(bucket)}/create", headers={"x-vgw-owner": owner}, fine=(409,)) == 409:
            self._call("/change-bucket-owner", {"bucket": bucket, "owner": owner})

    def _call(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        body: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        fine: tuple[int, ...] = (),
    ) -> int:
        url = self._url + path + (f"?{urlencode(query)}" if query else "")
        status, code = self._http.send("PATCH", url, self._root, body=body.encode(), headers=headers)
        if status >= 300 and status not in fine:
            raise StorageRefused(f"PATCH {path}", status, code)
        return status
