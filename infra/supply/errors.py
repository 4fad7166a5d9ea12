"""What can go wrong while images are made; every message says fact, expectation and remedy.

SupplyError                 shown as it stands
├── BadImage                an image's definition cannot be built; its author changes it
├── BadArchive              a file with images is not there or not as it must be; write it again, or name another
├── NeedsRoot               Debian and Python layers are made in a root of their own
├── RegistryUnreachable     packages could not be fetched; retry when the registry answers
├── LockMismatch            what the registry served is not what the lock names; never retried
├── DiskFull                free space, then run again: finished layers are kept
├── BuildFailed             a program that builds a layer failed; carries the end of what it said
├── PushFailed              a registry did not take an image; what it took stays there, a new push goes on
├── SourceChanged           a project file changed while its layer was made; a new build takes it as it is then
└── CorruptBlob             stored content is not what its digest says; it has been removed where it was ours
"""

from __future__ import annotations


class SupplyError(Exception):
    """Base of everything this package raises on purpose."""


class BadImage(SupplyError):
    """The definition of an image is wrong."""


class BadArchive(SupplyError):
    """A file with images can't be used. The message names it and what to do."""


class NeedsRoot(SupplyError):
    """The layer needs chroot and mount, which only root may use."""


class RegistryUnreachable(SupplyError):
    """A package registry did not answer."""


class LockMismatch(SupplyError):
    """A lock and the registry disagree."""


class DiskFull(SupplyError):
    """No space left for a layer."""


class BuildFailed(SupplyError):
    """A build program ended with an error."""


class PushFailed(SupplyError):
    """A registry refused, or does not answer."""


class SourceChanged(SupplyError):
    """A file is not the one that the layer's recipe names."""


class CorruptBlob(SupplyError):
    """Content differs from its digest."""
