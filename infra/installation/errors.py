"""What can be wrong with an installation's folder.

InstallationError           shown as it stands
├── Busy                    another command is changing it; retry after it ended
├── NotInstalled            no such installation; `platform up` makes one
└── ImmutableChanged        the profile differs in fields that cannot change
"""

from __future__ import annotations


class InstallationError(Exception):
    """Message: fact, expectation, remedy."""


class Busy(InstallationError):
    """Another process holds the lock."""


class NotInstalled(InstallationError):
    """The folder holds no installation."""


class ImmutableChanged(InstallationError):
    """Fields that cannot change after the first `up` did."""
