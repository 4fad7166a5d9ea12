"""`python -m tests.bench`: the figures of workspaces."""

from __future__ import annotations

import sys

from tests.bench.workspaces import main

sys.exit(main())
