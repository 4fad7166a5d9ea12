"""Runs `platform tour`: the steps in order, each with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from components.facts import PlatformFacts
from infra.api.client import Client
from infra.installation.home import Home, cache_root
from infra.installation.record import read_record
from infra.kubectl import Kubectl
from infra.lifecycle.access import sign_in
from infra.toolchain.service import Toolchain
from infra.verify.run import Result, chosen, prove
from infra.verify.tour.stage import Tour
from infra.verify.tour.steps import steps


def tour(home: Home, show: Callable[[Result], None], only: Iterable[str] = ()) -> list[Result]:
    """The steps that the installed components allow; those chosen by `only`, else all. Leaves nothing behind."""
    binary = Toolchain(cache_root()).ensure(["kubectl"])["kubectl"].path
    facts = PlatformFacts.model_validate(read_record(home).facts)
    with Client(sign_in(home)) as api:
        stage = Tour(api, Kubectl(binary, home.kubeconfig), facts)
        return prove(stage, show, chosen(only, steps(facts)))
