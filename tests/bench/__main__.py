"""`python -m tests.bench`: all figures, one a line."""

from __future__ import annotations

import sys

from tests.bench import control_plane, installation, people, workspaces

sys.argv = sys.argv[:1]  # each has options of its own; here both run as they are
workspaces.main()
control_plane.main()
people.main()
installation.main()
