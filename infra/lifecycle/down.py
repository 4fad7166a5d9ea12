"""`platform down`: removes an installation, in the reverse order, and looks for what is left."""

from __future__ import annotations

import shutil
from typing import Any

from infra.engine.engine import Engine
from infra.installation.home import Home
from infra.installation.record import Recorder
from infra.lifecycle.engines import open_engine
from infra.lifecycle.names import CLUSTER_STACK, COMPONENTS_STACK, CONTROL_PLANE_STACK
from infra.lifecycle.progress import Report
from infra.lifecycle.runner import Say, Step, run
from infra.plan.steps import PlannedStep
from infra.profile.model import Profile

_TITLES = {
    CONTROL_PLANE_STACK: "Remove the control plane",
    COMPONENTS_STACK: "Remove the components",
    CLUSTER_STACK: "Remove the cluster",
}
