"""State in a container of an Azure storage account, which encrypts everything it keeps.

The account is there before: it belongs to a resource group that outlives the installation. Versions are the account's
setting; what is kept here is taken up only where it is on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

from infra.engine.folder import StateUnreachable
from infra.profile.azure import Azure

if TYPE_CHECKING:
    from infra.clouds.state.opening import Place


_KEY, _SAS = "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"


def account_url(account: str, options: Mapping[str, str]) -> str:
    """Where the account answers, by the options that the Pulumi CLI knows too: `domain` (of another cloud of Azure's),
    `protocol`, and `localemu` for servers that have the account in the path. Pure."""
    domain, protocol = options.get("domain") or "blob.core.windows.net", options.get("protocol") or "https"
    local = options.get("localemu") == "true" or domain.startswith(("127.0.0.1", "localhost"))
    return f"{protocol}://{domain}/{account}" if local else f"{protocol}://{account}.{domain}"


class AzureFolder:
    """`azblob://CONTAINER?storage_account=ACCOUNT`, or the account in AZURE_STORAGE_ACCOUNT. Credentials are those that
    the Pulumi CLI takes: AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, else the SDK's own (az login, environment, managed
    identity)."""

    def __init__(self, url: str, place: Place, azure: Azure | None, client: Any = None) -> None:
        self._url, self._name = url, place.bucket
        self._prefix = f"{place.prefix}/" if place.prefix else ""
        self._options = place.options
        self._account = place.options.get("storage_account") or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
        self._tenant = azure.tenant if azure else None
        self._given = client

    @property
    def url(self) -> str:
        return self._url

    def _container(self) -> Any:
        if self._given is None:
            if not self._account:
                raise StateUnreachable(
                    f"{self._url} names no storage account.",
                    remedy="Add it: azblob://CONTAINER?storage_account=ACCOUNT",
                )
            where = account_url(self._account, self._options)
            self._given = ContainerClient(where, self._name, credential=self._credential())
        return self._given

    def _credential(self) -> Any:
        if os.environ.get(_KEY):
            return AzureNamedKeyCredential(self._account, os.environ[_KEY])
        if os.environ.get(_SAS):
            return AzureSasCredential(os.environ[_SAS])
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential(**({"tenant_id": self._tenant} if self._tenant else {}))

    def ensure(self) -> bool:
        with self._translated():
            made = False
            try:
                self._container().create_container()
                made = True
            except ResourceExistsError:
                pass
            self._require_versions()
        return made

    def _require_versions(self) -> None:
        """An account with versions names the version of what it just wrote."""
        marker = self._container().get_blob_client(f"{self._prefix}.mlp/first")
        if not marker.upload_blob(b"", overwrite=True).get("version_id"):
            raise StateUnreachable(
                f"The storage account {self._account} keeps no old versions, so a damaged state could not be brought"
                " back.",
                remedy=f"az storage account blob-service-properties update --account-name {self._account} "
                "--enable-versioning true",
            )

    def names(self, prefix: str) -> tuple[str, ...]:
        with self._translated():
            try:
                found = list(self._container().list_blob_names(name_starts_with=self._prefix + prefix))
            except ResourceNotFoundError:
                return ()
        return tuple(sorted(name.removeprefix(self._prefix) for name in found))

    def read(self, name: str) -> str | None:
        with self._translated():
            try:
                return bytes(self._container().download_blob(self._prefix + name).readall()).decode("utf-8")
            except ResourceNotFoundError:
                return None

    def write(self, name: str, text: str) -> None:
        with self._translated():
            self._container().upload_blob(self._prefix + name, text.encode(), overwrite=True)

    def delete(self, name: str) -> None:
        with self._translated():
            try:
                self._container().delete_blob(self._prefix + name)
            except ResourceNotFoundError:
                return

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except AzureError as error:
            raise StateUnreachable(
                f"The container {self._name} of the state can't be used: {error}",
                remedy="Check who you are (az account show), the role Storage Blob Data Contributor on the account "
                f"{self._account}, and the name in state.backend.",
            ) from error
