"""From a profile's `state.backend` to the place it names. The SDKs are imported only here, when they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from infra.clouds.model import SdkMissing
from infra.engine.folder import FileFolder, StateFolder
from infra.profile.model import Profile

_SDKS = {"s3": ("aws", "boto3"), "gs": ("gcp", "google-cloud-storage"), "azblob": ("azure", "azure-storage-blob")}


@dataclass(frozen=True)
class Place:
    """A backend's URL taken apart."""

    scheme: str
    bucket: str
    """Empty for files."""
    prefix: str
    """Path in the bucket without a slash at either end; the whole path for files."""
    options: dict[str, str]


def place(url: str) -> Place:
    """What the URL says. Pure."""
    parts = urlsplit(url)
    path = parts.path if parts.scheme == "file" else parts.path.strip("/")
    return Place(parts.scheme, parts.netloc, path, dict(parse_qsl(parts.query)))


def state_folder(profile: Profile, home: Path) -> StateFolder:
    """Where the profile keeps its state; `home` is the installation's folder. Asks nobody anything yet.

    Raises SdkMissing.
    """
    url = profile.state.backend
    if url == "home":
        return FileFolder(home / "state")
    found = place(url)
    if found.scheme == "file":
        return FileFolder(Path(found.prefix).expanduser())
    cloud, package = _SDKS[found.scheme]
    try:
        match found.scheme:
            case "s3":
                from infra.clouds.state.s3 import S3Folder

                return S3Folder(url, found, profile.aws.region if profile.aws else "")
            case "gs":
                from infra.clouds.state.gs import GoogleFolder

                return GoogleFolder(url, found, profile.gcp)
            case _:
                from infra.clouds.state.azblob import AzureFolder

                return AzureFolder(url, found, profile.azure)
    except ModuleNotFoundError as error:
        raise SdkMissing(cloud, package) from error
