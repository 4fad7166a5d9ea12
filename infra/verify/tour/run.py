"""Runs `platform tour`: the steps in order, each with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from components.facts import PlatformFacts
from infra.api.client import Client
from infra.installation.home import Home, cache_root
from infra.installation.record import read_record
from infra.kubectl import Kubectl
from infra.lifecycle.access import sign_in
from infra.toolchain.service import Toolchain
from infra.verify.run import Result, chosen, prove
from infra.verify.tour.stage import Tour
from infra.verify.tour.steps import ON_REQUEST, steps


def tour(home: Home, show: Callable[[Result], None], only: Sequence[str] = ()) -> list[Result]:
    """The steps that the installed components allow; those chosen by `only`, else all but
    ON_REQUEST. Leaves nothing behind."""
    binary = Toolchain(cache_root()).ensure(["kubectl"])["kubectl"].path
    facts = PlatformFacts.model_validate(read_record(home).facts)
    with Client(sign_in(home)) as api:
        stage = Tour(api, Kubectl(binary, home.kubeconfig), facts)
        every = steps(facts)
        wanted = chosen(only, every) if only else tuple(step for step in every if step.name not in ON_REQUEST)
        return prove(stage, show, wanted)
