"""State in a bucket of Google Cloud Storage, which encrypts everything it keeps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import storage

from infra.engine.folder import StateUnreachable
from infra.profile.gcp import Gcp

if TYPE_CHECKING:
    from infra.clouds.state.opening import Place

_SECONDS = 60.0
_EMULATOR = "STORAGE_EMULATOR_HOST"


def _client(project: str | None) -> storage.Client:
    """The SDK wants the emulator's variable with a scheme, the Pulumi CLI without one, and both must see the same."""
    emulator = os.environ.get(_EMULATOR, "")
    if not emulator:
        return storage.Client(project=project)
    options = {"api_endpoint": f"http://{emulator}"}
    return storage.Client(project=project or "emulator", credentials=AnonymousCredentials(), client_options=options)


class GoogleFolder:
    """Credentials are the SDK's own: the application's default ones. `gcp` says where a bucket is made."""

    def __init__(self, url: str, place: Place, gcp: Gcp | None, client: Any = None) -> None:
        self._url, self._name = url, place.bucket
        self._prefix = f"{place.prefix}/" if place.prefix else ""
        self._gcp = gcp
        self._given = client

    @property
    def url(self) -> str:
        return self._url

    def _bucket(self) -> Any:
        if self._given is None:
            self._given = _client(self._gcp.project if self._gcp else None)
        return self._given.bucket(self._name)

    def ensure(self) -> bool:
        with self._translated():
            bucket = self._bucket()
            try:
                bucket.reload(timeout=_SECONDS)
            except NotFound:
                bucket.iam_configuration.uniform_bucket_level_access_enabled = True
                bucket.iam_configuration.public_access_prevention = "enforced"
                bucket.versioning_enabled = True
                bucket.create(location=self._gcp.region if self._gcp else None, timeout=_SECONDS)
                return True
            versions = bucket.versioning_enabled
        if not versions:
            raise StateUnreachable(
                f"The bucket {self._name} keeps no old versions, so a damaged state could not be brought back.",
                remedy=f"gcloud storage buckets update gs://{self._name} --versioning",
            )
        return False

    def names(self, prefix: str) -> tuple[str, ...]:
        with self._translated():
            blobs = self._bucket().list_blobs(prefix=self._prefix + prefix, timeout=_SECONDS)
            try:
                found = [blob.name for blob in blobs]
            except NotFound:
                return ()
        return tuple(sorted(name.removeprefix(self._prefix) for name in found if not name.endswith("/")))

    def read(self, name: str) -> str | None:
        with self._translated():
            try:
                return str(self._bucket().blob(self._prefix + name).download_as_text(timeout=_SECONDS))
            except NotFound:
                return None

    def write(self, name: str, text: str) -> None:
        with self._translated():
            self._bucket().blob(self._prefix + name).upload_from_string(text, timeout=_SECONDS)

    def delete(self, name: str) -> None:
        with self._translated():
            try:
                self._bucket().blob(self._prefix + name).delete(timeout=_SECONDS)
            except NotFound:
                return

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (GoogleAPIError, GoogleAuthError, OSError) as error:
            raise StateUnreachable(
                f"The bucket {self._name} of the state can't be used: {error}",
                remedy="Check the credentials (gcloud auth application-default login) and the name in state.backend.",
            ) from error
