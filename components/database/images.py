"""The database's image."""

from __future__ import annotations

from components import kubernetes as k8s
from components.database.settings import DatabaseSettings
from components.images import DebianPackages, Image, SourceTree, TextFile

VERSION = "17"
"""Major version, the one of Debian 13; the volume's folder bears it."""
DATABASE_IMAGE = "database"
BIN = f"/usr/lib/postgresql/{VERSION}/bin"


def images(_: DatabaseSettings) -> tuple[Image, ...]:
    """PostgreSQL refuses to run as root or as a user without a name, so user 65532 is called postgres here."""
    return (
        Image(
            name=DATABASE_IMAGE,
            version=VERSION,
            layers=(
                DebianPackages((f"postgresql-{VERSION}",)),
                TextFile(
                    "/etc/passwd",
                    f"root:x:0:0:root:/root:/bin/sh\npostgres:x:{k8s.UID}:{k8s.UID}:postgres:/tmp:/bin/sh\n",
                ),
                TextFile("/etc/group", f"root:x:0:\npostgres:x:{k8s.UID}:\n"),
                SourceTree(("components/database/prepare.py",)),
            ),
            command=(f"{BIN}/postgres",),
            env={"PYTHONPATH": "/opt/python", "PYTHONDONTWRITEBYTECODE": "1"},
        ),
    )
