"""Runs the checks of `platform verify` in order and times them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from components.facts import PlatformFacts
from infra.api.client import ApiError, Client
from infra.installation.home import Home, cache_root
from infra.installation.record import read_record
from infra.kubectl import Kubectl, KubectlFailed
from infra.lifecycle.access import sign_in
from infra.toolchain.service import Toolchain
from infra.verify.checks import CHECKS, Check
from infra.verify.story import Story

Result = dict[str, Any]
"""name, pass, evidence, seconds: the shape of `platform verify --json` and `platform tour --json`."""
S = TypeVar("S", bound=Story)


def verify(home: Home, show: Callable[[Result], None], only: Iterable[str] = ()) -> list[Result]:
    """Runs the checks against an installation; those chosen by `only`, else all."""
    binary = Toolchain(cache_root()).ensure(["kubectl"])["kubectl"].path
    facts = PlatformFacts.model_validate(read_record(home).facts)
    with Client(sign_in(home)) as api:
        story = Story(api, Kubectl(binary, home.kubeconfig), facts)
        return prove(story, show, chosen(only, CHECKS))


def prove(story: S, show: Callable[[Result], None], checks: Sequence[Check[S]]) -> list[Result]:
    """Every check's result in order. The first one sets the stage: without it the others fail with that reason."""
    results: list[Result] = []
    stage = ""
    for index, check in enumerate(checks):
        result: Result = {"name": check.name, "pass": False, "evidence": f"not tried: {stage}", "seconds": 0.0}
        if not stage:
            result = _try(story, check)
            if index == 0 and not result["pass"]:
                stage = str(result["evidence"])
        results.append(result)
        show(result)
    return results


def _try(story: S, check: Check[S]) -> Result:
    began = time.monotonic()
    try:
        passed, evidence = True, check.prove(story)
    except (AssertionError, KubectlFailed, ApiError, OSError, LookupError, ValueError) as failure:
        passed, evidence = False, str(failure) or type(failure).__name__
    return {"name": check.name, "pass": passed, "evidence": evidence, "seconds": round(time.monotonic() - began, 2)}


def chosen(only: Iterable[str], checks: Sequence[Check[S]]) -> tuple[Check[S], ...]:
    """The checks whose name contains one of the words, with the first and the last, which set and clear the stage."""
    words = [word.lower() for word in only]
    if not words:
        return tuple(checks)
    inner = [check for check in checks[1:-1] if any(word in check.name.lower() for word in words)]
    return (checks[0], *inner, checks[-1])
