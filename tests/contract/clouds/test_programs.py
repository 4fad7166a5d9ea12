"""The programs of the clouds in the real engine, every size of each, from preview to destroy."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clusters.outputs import from_engine
from infra.clusters.policies import judge, unjudged
from infra.clusters.programs import answers, cluster_program
from infra.engine.declared import declare
from infra.engine.errors import EngineError
from infra.engine.model import Op
from infra.profile.model import Profile
from tests.clouds_support.harness import Cloud, missing_dependencies
from tests.contract.clouds.programs import CLOUDS, SIZES, TAGS, profile

pytestmark = [
    pytest.mark.contract,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore:.*has been deprecated:DeprecationWarning"),
]


def opened(folder: Path, chosen: Profile) -> Cloud:
    return Cloud(folder, answers(chosen))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_program_is_made_and_gives_a_cluster(tmp_path: Path, cloud: str, size: str) -> None:
    chosen = profile(cloud, size)
    there, program = opened(tmp_path, chosen), cluster_program(chosen)

    planned = there.preview(program)
    assert there.store.things() == []
    made = there.up(program)

    assert planned.counts == made.counts
    assert set(made.counts) <= {"create", "read"}
    outputs = from_engine(made.outputs)
    assert outputs.kubeconfig.startswith("apiVersion")
    assert outputs.managed is not None
    assert made.outputs["kubeconfig"].secret
    assert made.outputs["databasePassword"].secret
    assert outputs.database_password
    assert outputs.database_password not in there.written()
    assert missing_dependencies(there.resources()) == []
    assert not there.up(program).changed


@pytest.mark.parametrize("cloud", CLOUDS)
def test_changes_reach_the_cloud_and_nothing_else_does(tmp_path: Path, cloud: str) -> None:
    chosen = profile(cloud)
    there = opened(tmp_path, chosen)
    there.up(cluster_program(chosen))
    assert not there.up(cluster_program(chosen), refresh=True).changed

    tagged = there.up(cluster_program(profile(cloud, team="other")))
    assert {change.op for change in tagged.changes} == {Op.UPDATE}

    there.destroy()
    assert there.store.things() == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_data_stays_until_protection_is_switched_off(tmp_path: Path, cloud: str) -> None:
    kept, free = profile(cloud, keep=True), profile(cloud)
    there = opened(tmp_path, kept)
    there.up(cluster_program(kept))
    data = {resource.urn for resource in there.resources() if resource.protect}
    assert data
    with pytest.raises(EngineError, match="protect"):
        there.destroy()
    assert data <= {resource.urn for resource in there.resources()}
    there.up(cluster_program(free))
    there.destroy()
    assert there.store.things() == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_no_policy_is_broken(cloud: str, size: str) -> None:
    chosen = profile(cloud, size, keep=True)
    declaration = declare(cluster_program(chosen), answers(chosen))
    assert list(map(str, judge(declaration, {TAGS[cloud]: chosen.name, "team": "ml"}, keep=True))) == []
    assert unjudged(declaration) == ()
