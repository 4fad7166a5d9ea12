"""The offline plan against what the real engine says of the same program and the same state."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clusters.programs import answers, cluster_program
from infra.engine.kept import declare_against, read_kept
from infra.lifecycle.names import CLUSTER_STACK
from infra.lifecycle.offline import StackChanges, compared
from infra.lifecycle.previews import stack_changes
from infra.plan.difference import LATER, SECRET, ResourceChange
from infra.profile.model import Profile
from tests.clouds_support.harness import Cloud
from tests.contract.clouds.programs import CLOUDS, profile

pytestmark = [
    pytest.mark.contract,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:.*has been deprecated:DeprecationWarning"),
]


def offline(there: Cloud, chosen: Profile) -> StackChanges:
    kept = read_kept(there.home, CLUSTER_STACK, lambda: (there.home / "passphrase").read_text("utf-8").strip())
    return compared(CLUSTER_STACK, declare_against(cluster_program(chosen), kept, answers(chosen), CLUSTER_STACK))


def online(there: Cloud, chosen: Profile) -> StackChanges:
    return stack_changes(there.preview(cluster_program(chosen)))


def named(found: StackChanges) -> set[tuple[str, str, str]]:
    """Operation, type and name; a replacement counts as a change, for only the provider has the last word on it."""
    return {("change" if change.op == "replace" else change.op, change.kind, change.name) for change in found.changes}


def of(change: ResourceChange) -> StackChanges:
    return StackChanges(CLUSTER_STACK, (change,), 0)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_offline_and_engine_agree(tmp_path: Path, cloud: str) -> None:
    """But where the engine is cautious: it counts what depends on a changed resource as changed, for it does not know
    that resource's outputs before; offline they are taken to stay."""
    small = profile(cloud)
    there = Cloud(tmp_path, answers(small))
    new = offline(there, small)
    assert {change.op for change in new.changes} == {"create"}
    assert named(new) == named(online(there, small))

    there.up(cluster_program(small))
    same = offline(there, small)
    assert (same.changes, same.same) == ((), len(new.changes))
    assert online(there, small).changes == ()

    for other in (profile(cloud, team="other"), profile(cloud, "medium")):
        expected, found = online(there, other), offline(there, other)
        assert named(found) <= named(expected)
        cautious = [change for change in expected.changes if not named(of(change)) <= named(found)]
        assert all(LATER in repr(each.after) for change in cautious for each in change.properties)
        assert found.same == expected.same + len(cautious)
    assert {change.op for change in found.changes} >= {"create", "change"}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_both_name_paths_and_values_but_no_secret(tmp_path: Path, cloud: str) -> None:
    there = Cloud(tmp_path, answers(profile(cloud)))
    made = there.up(cluster_program(profile(cloud)))
    other = profile(cloud, team="other")
    for found in (offline(there, other), online(there, other)):
        values = [each for change in found.changes for each in change.properties]
        assert any("other" in str(each.after) for each in values)
        assert all(each.path for each in values)
        secret = str(made.outputs["databasePassword"].value)
        assert secret not in repr(found.changes)
        assert SECRET not in {each.after for each in values} - {each.before for each in values}
