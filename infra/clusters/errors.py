"""Why a cluster cannot be used."""

from __future__ import annotations


class ClusterError(Exception):
    """A cluster cannot be made or used; the message says why and what to do."""
