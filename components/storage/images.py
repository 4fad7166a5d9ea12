"""The S3 server's image."""

from __future__ import annotations

from components.images import GoBinary, Image, SourceTree
from components.storage.settings import StorageSettings

VERSION = "1.8.0"
STORAGE_IMAGE = "storage"


def images(settings: StorageSettings) -> tuple[Image, ...]:
    """versitygw, and Python (from the base) for the init container that makes the platform's own user and bucket."""
    if settings.managed:
        return ()
    return (
        Image(
            name=STORAGE_IMAGE,
            version=VERSION,
            layers=(GoBinary("versitygw"), SourceTree(("components/storage/setup.py",))),
            command=("/usr/local/bin/versitygw",),
            env={"PYTHONPATH": "/opt/python", "PYTHONDONTWRITEBYTECODE": "1"},
        ),
    )
