"""`make sdks`: the examples against an installation. Exit code 1 where one fails, 2 for wrong use."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from functools import partial

from components.facts import PlatformFacts
from infra.api.client import ApiError, Client
from infra.cli.tour import show
from infra.installation.errors import InstallationError
from infra.installation.home import Home, cache_root
from infra.installation.record import read_record
from infra.kubectl import Kubectl
from infra.lifecycle.access import sign_in
from infra.profile.load import load
from infra.toolchain.service import Toolchain
from infra.verify.checks import Check, Evidence
from infra.verify.run import Result, prove
from tests.e2e.sdks.desk import EXAMPLES, Desk, Example, python


def chosen(words: Iterable[str], components: Iterable[str]) -> list[Example]:
    """Those whose name contains one of the words, else all, with what they come after; only of installed components."""
    there, wanted = set(components), [word.lower() for word in words]
    able = [example for example in EXAMPLES if set(example.needs) <= there]
    named = [example for example in able if not wanted or any(word in example.name.lower() for word in wanted)]
    before = {example.after for example in named}
    return [example for example in able if example in named or example.program in before]


def _sits_down(desk: Desk) -> Evidence:
    said = desk.sit_down()
    return f"{said} In the environment of what follows: {', '.join(sorted(desk.environment))}"


def _leaves(desk: Desk) -> Evidence:
    desk.close()
    left = desk.kubectl.run("get", "namespaces", "-o", "name")
    if desk.token in left:
        raise AssertionError(f"still there: {left}")
    return f"tenant {desk.a.tenant} is gone with all that ran in it"


def run(home: Home, facts: PlatformFacts, examples: list[Example]) -> list[Result]:
    """The results in order. The tenant is removed whatever happens."""
    for sdk in sorted({example.sdk for example in examples}):
        python(sdk)
    checks = (
        Check("a member signs in and gets a kubeconfig and a token", _sits_down),
        *(Check(example.name, partial(Desk.try_out, example=example)) for example in examples),
        Check("the tenant is removed", _leaves),
    )
    kubectl = Kubectl(Toolchain(cache_root()).ensure(["kubectl"])["kubectl"].path, home.kubeconfig)
    with Client(sign_in(home)) as api:
        desk = Desk(api, kubectl, facts)
        try:
            return prove(desk, show, checks)
        finally:
            if not desk.left:
                _tidy(desk)


def _tidy(desk: Desk) -> None:
    """Where an end of its own was not reached; what was not even begun is no failure."""
    try:
        desk.close()
    except (ApiError, AssertionError) as error:
        print(f"tenant {desk.a.tenant}: {error}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.sdks", description=__doc__)
    parser.add_argument("--profile", default="local", help="the installation, by its profile's name or path")
    parser.add_argument("--json", action="store_true", help="print the results as a JSON document")
    parser.add_argument("only", nargs="*", help="words of the examples' names")
    given = parser.parse_args()
    home = Home(load(given.profile).name, source=given.profile)
    try:
        return _main(parser, given, home)
    except (ApiError, InstallationError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _main(parser: argparse.ArgumentParser, given: argparse.Namespace, home: Home) -> int:
    home.require()
    facts = PlatformFacts.model_validate(read_record(home).facts)
    examples = chosen(given.only, facts.components)
    if not examples:
        parser.error(f"none of the examples whose components are installed has one of {given.only} in its name")
    with home.locked("sdks"):
        results = run(home, facts, examples)
    if given.json:
        print(json.dumps(results, indent=1))
    failed = [result["name"] for result in results if not result["pass"]]
    print(f"{len(results) - len(failed)} of {len(results)} passed.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
