"""Names that others find pipelines by."""

from __future__ import annotations

NAME = "pipelines"
GROUP = "argoproj.io"
WORKFLOW_LABEL = "workflows.argoproj.io/workflow"
"""On every pod of a workflow: the workflow's name."""
