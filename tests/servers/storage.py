"""A real versitygw with the arguments of components/storage, on loopback."""

from __future__ import annotations

import http.client
import os
import secrets
import subprocess
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from components.storage.objects import HEALTH, ROOT_USER, server_arguments
from components.storage.settings import StorageSettings
from tests.servers.binaries import find
from tests.servers.ports import free_port

REGION = StorageSettings().region


def arguments(folder: Path) -> list[str]:
    """The component's server arguments with their folders below `folder`."""
    return [argument.replace("/data/", f"{folder}/") for argument in server_arguments(StorageSettings())]


class StorageServer:
    """`start` and `stop`; buckets and users stay in the folder."""

    def __init__(self, folder: Path) -> None:
        for name in ("buckets", "versions", "users"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.port, self.admin_port = free_port(), free_port()
        self.root_secret = secrets.token_urlsafe(32)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> StorageServer:
        addresses = [f"--port=127.0.0.1:{self.port}", f"--admin-port=127.0.0.1:{self.admin_port}"]
        self._process = subprocess.Popen(
            [str(find("versitygw")), *addresses, *arguments(self._folder)],
            env={**os.environ, "ROOT_ACCESS_KEY_ID": ROOT_USER, "ROOT_SECRET_ACCESS_KEY": self.root_secret},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                connection.request("GET", HEALTH)
                if connection.getresponse().status == 200:
                    return self
            except OSError:
                time.sleep(0.05)
        raise TimeoutError("versitygw did not answer within 20 s")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def admin(
        self,
        path: str,
        body: str = "",
        *,
        owner: str = "",
        keys: tuple[str, str] | None = None,
        port: int | None = None,
    ) -> tuple[int, str]:
        """Status and text of one admin call, made as components/storage/README.md says."""
        port = port or self.admin_port
        headers = {"x-vgw-owner": owner} if owner else {}
        request = AWSRequest("PATCH", f"http://127.0.0.1:{port}{path}", headers, body.encode())
        S3SigV4Auth(Credentials(*(keys or (ROOT_USER, self.root_secret))), "s3", REGION).add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("PATCH", path, body.encode(), dict(request.prepare().headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def client(self, user: str, secret: str) -> Any:
        """An S3 client of that user."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=user,
            aws_secret_access_key=secret,
            region_name=REGION,
            config=Config(retries={"max_attempts": 1}),
        )

    @property
    def root(self) -> Any:
        """An S3 client of root."""
        return self.client(ROOT_USER, self.root_secret)

    def create_user(self, user: str, bucket: str) -> str:
        """A user and a bucket of its own; gives the user's secret key."""
        secret = secrets.token_urlsafe(32)
        account = f"<Account><Access>{user}</Access><Secret>{secret}</Secret><Role>user</Role></Account>"
        assert self.admin("/create-user", account)[0] == 201
        assert self.admin(f"/{bucket}/create", owner=user)[0] == 201
        return secret
