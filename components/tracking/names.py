"""Names by which others find the tracking server. No imports of its objects: the control plane reads this."""

from __future__ import annotations

READER_SECRET = "tracking-reader-secret"  # noqa: S105 - a name
"""By which the control plane's watcher may read what aliases point to, and nothing else (server/guard.py)."""
