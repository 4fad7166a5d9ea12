"""How the tests of this folder are spread over workers."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.contract


def test_every_test_here_is_in_a_group_which_one_worker_runs(request: pytest.FixtureRequest) -> None:
    if not hasattr(request.config, "workerinput"):
        pytest.skip("one process runs all")
    here = Path(__file__).parent
    assert [item.nodeid for item in request.session.items if here in item.path.parents and "@" not in item.nodeid] == []
