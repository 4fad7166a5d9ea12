"""A bill's declaration, found without its program, is what the program declares."""

from __future__ import annotations

from dataclasses import replace

from infra.engine.declared import declare
from infra.stacks.components import Bill
from tests.servers.installs import OWN, install


def test_it_declares_what_its_program_does() -> None:
    bill = Bill("kubeconfig", [(each, each.settings()) for each in OWN], install())

    ran = declare(bill, stack="components")
    told = bill.declaration("components")

    objects = [each for each in ran.resources if each.custom and not each.kind.startswith("pulumi:")]
    assert len(objects) > 200
    assert {each.urn for each in told.resources} == {each.urn for each in objects}
    for mine, theirs in zip(told.resources, objects, strict=True):
        assert mine == replace(theirs, depends=()), theirs.name
    assert told.exports == ran.exports
