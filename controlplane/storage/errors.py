"""What can go wrong with the object storage.

    StorageError
    ├── StorageAway      (Temporary)  no answer, or the server is overloaded or broken (429, 5xx)
    ├── StillEmptying    (Temporary)  a bucket holds more than was deleted in one go; come again
    ├── BucketTaken      (Permanent)  a bucket of that name holds another workspace's data: it is not touched
    ├── IdentityTaken    (Permanent)  a cloud identity of that name is another's: it is not touched
    └── StorageRefused   (Permanent)  the server said no

Messages never hold bodies of requests or answers: those of the admin API contain secret keys.
"""

from __future__ import annotations

from controlplane.errors import ControlPlaneError, Permanent, Temporary


class StorageError(ControlPlaneError):
    """Base of all errors of this package."""


class StorageAway(Temporary, StorageError):
    """A later try may succeed."""


class StillEmptying(Temporary, StorageError):
    """Nothing is broken."""

    def __init__(self, bucket: str, deleted: int) -> None:
        super().__init__(f"bucket {bucket}: {deleted} objects deleted, more are left", waiting=True)


class BucketTaken(Permanent, StorageError):
    """Data of an earlier workspace of that name was kept, or the bucket is nobody's we know."""

    def __init__(self, bucket: str, uid: str | None) -> None:
        owner = f"data of workspace {uid}" if uid else "data that this platform did not put there"
        super().__init__(
            f"bucket {bucket} exists and holds {owner}; it was not touched. "
            "Choose another workspace name, or have an administrator move or delete that bucket."
        )


class IdentityTaken(Permanent, StorageError):
    """What has the name of a workspace's identity, or binds its service account, was not made for that workspace."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(
            f"{what} {name} exists and does not bear the tags of this workspace; it was not touched. "
            "Have an administrator of the cloud find out whose it is, and remove it."
        )


class StorageRefused(Permanent, StorageError):
    """The server understood and refused. `code` is S3's error code, such as `AccessDenied`."""

    def __init__(self, call: str, status: int, code: str, who: str = "object storage") -> None:
        hint = "; the control plane's identity has no right to that, or it is somebody else's" if status == 403 else ""
        super().__init__(f"{who} refused {call}: {status} {code}{hint}")
        self.status = status
        self.code = code
