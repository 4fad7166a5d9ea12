"""What belongs to all tests: which of them are the thorough ones."""

from __future__ import annotations

from pathlib import Path

import pytest

_TESTS = Path(__file__).parent
SLOW = (
    "browser/test_every_page.py",
    "browser/test_models.py",
    "root",
    "contract/clouds",
    "contract/test_component_objects.py",
    "contract/test_model_aliases.py",
    "contract/test_planning.py",
    "contract/controlplane/test_canaries.py",
    "contract/controlplane/test_contents.py",
    "contract/controlplane/test_faults.py",
    "contract/controlplane/test_fuzz.py",
    "contract/controlplane/test_kserve.py",
    "contract/controlplane/test_models.py",
    "contract/controlplane/test_sleeping.py",
    "contract/engine",
    "contract/kubernetes_provider",
    "contract/object_storage",
    "contract/people",
    "contract/reconcile/test_faults.py",
    "contract/reconcile/test_watch.py",
    "contract/servers",
    "contract/stacks",
    "contract/test_notebooks_hub.py",
    "contract/test_searches.py",
    "contract/test_tracking_projects.py",
    "contract/test_tracking_server.py",
)
"""Left to `make thorough`: faults with real processes, fuzzing, plugins, hosts, every page of the console, every kind
of the components, and what waits for minutes to pass."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of SLOW."""
    slow = [_TESTS / part for part in SLOW]
    for item in items:
        if any(item.path == place or place in item.path.parents for place in slow):
            item.add_marker(pytest.mark.slow)
