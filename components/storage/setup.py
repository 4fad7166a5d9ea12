"""Makes the platform's own S3 users and buckets before the server starts. Runs in the storage's init container.

Standard library only. Idempotent: every start repeats it, so that a changed secret needs nothing else. It talks to a
server of its own on the pod's loopback address, through the same admin API that the control plane uses (README.md).
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

_PORT, _ADMIN_PORT = 19000, 19001
_START_SECONDS = 30


class SetupError(Exception):
    """The storage could not be set up; the message says which call was refused and how."""


@dataclass(frozen=True)
class Credentials:
    """Whom a call is signed for."""

    access: str
    secret: str = field(repr=False)
    region: str


def signed_headers(
    credentials: Credentials, *, host: str, path: str, query: str, body: bytes, now: datetime
) -> dict[str, str]:
    """Headers of a PATCH request signed with AWS Signature Version 4 for service `s3`. `query` is encoded, sorted."""
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    payload = hashlib.sha256(body).hexdigest()
    signed = {"host": host, "x-amz-content-sha256": payload, "x-amz-date": stamp}
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        ["PATCH", path, query, *(f"{name}:{signed[name]}" for name in sorted(signed)), "", names, payload]
    )
    scope = f"{day}/{credentials.region}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{credentials.secret}".encode()
    for part in (day, credentials.region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {
        "Host": host,
        "X-Amz-Content-Sha256": payload,
        "X-Amz-Date": stamp,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={credentials.access}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}",
    }


class Admin:
    """The admin API on the pod's loopback address, as root."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def call(self, path: str, query: Mapping[str, str] | None = None, body: str = "", owner: str = "") -> int:
        """Status of the call. Raises SetupError for anything but success and 409 (it is there already)."""
        host = f"127.0.0.1:{_ADMIN_PORT}"
        text = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted((query or {}).items()))
        sent = body.encode()
        headers = signed_headers(self._credentials, host=host, path=path, query=text, body=sent, now=datetime.now(UTC))
        if owner:
            headers["X-Vgw-Owner"] = owner
        connection = http.client.HTTPConnection("127.0.0.1", _ADMIN_PORT, timeout=30)
        try:
            connection.request("PATCH", f"{path}?{text}" if text else path, sent, headers)
            answer = connection.getresponse()
            said = answer.read(2000).decode("utf-8", "replace")
        finally:
            connection.close()
        if answer.status >= 300 and answer.status != 409:
            raise SetupError(f"{path} was answered with {answer.status}: {said}")
        return answer.status

    def ensure_user(self, access: str, secret: str) -> None:
        """A user without rights beyond the buckets that belong to it."""
        body = f"<Account><Access>{escape(access)}</Access><Secret>{escape(secret)}</Secret><Role>user</Role></Account>"
        if self.call("/create-user", body=body) == 409:
            change = f"<MutableProps><Secret>{escape(secret)}</Secret><Role>user</Role></MutableProps>"
            self.call("/update-user", {"access": access}, change)

    def ensure_bucket(self, bucket: str, owner: str) -> None:
        """A bucket that belongs to `owner`."""
        if self.call(f"/{bucket}/create", owner=owner) == 409:
            self.call("/change-bucket-owner", {"bucket": bucket, "owner": owner})


def wait_until_up(server: subprocess.Popen[bytes], health: str) -> None:
    """Returns when the server answers. Raises SetupError when it ends or stays silent."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SetupError(f"the server ended with {server.returncode}; its own message is above")
        connection = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=2)
        try:
            connection.request("GET", health)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise SetupError(f"the server did not answer within {_START_SECONDS} s")


def main() -> int:
    """`setup --folders DIR... --health PATH --region R --secrets DIR --owner USER=BUCKET... -- SERVER ARGUMENTS`.

    The server's arguments come without addresses. Root's credentials come in ROOT_ACCESS_KEY_ID and
    ROOT_SECRET_ACCESS_KEY, the users' secrets as files named by user.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folders", type=Path, nargs="+", default=[])
    parser.add_argument("--health", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--secrets", type=Path, required=True)
    parser.add_argument("--owner", action="append", default=[], metavar="USER=BUCKET")
    parser.add_argument("server", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    program, *rest = arguments.server[1:] if arguments.server[:1] == ["--"] else arguments.server
    for folder in arguments.folders:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = subprocess.Popen([program, f"--port=127.0.0.1:{_PORT}", f"--admin-port=127.0.0.1:{_ADMIN_PORT}", *rest])
    try:
        wait_until_up(server, arguments.health)
        root = Credentials(
            access=os.environ["ROOT_ACCESS_KEY_ID"],
            secret=os.environ["ROOT_SECRET_ACCESS_KEY"],
            region=arguments.region,
        )
        admin = Admin(root)
        for pair in arguments.owner:
            user, _, bucket = pair.partition("=")
            admin.ensure_user(user, (arguments.secrets / user).read_text("ascii").strip())
            admin.ensure_bucket(bucket, user)
            print(f"bucket {bucket} belongs to user {user}", flush=True)  # noqa: T201
    except (SetupError, OSError) as error:
        print(f"setting up the storage failed: {error}", file=sys.stderr)  # noqa: T201
        return 1
    finally:
        server.terminate()
        server.wait(timeout=30)
    return 0


if __name__ == "__main__":
    sys.exit(main())
