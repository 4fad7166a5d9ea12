"""A stack of Kubernetes objects for which an update would do nothing, told without the engine.

The engine takes a minute of processor time to compare a catalog of objects; this takes a few seconds. It says only yes:
where anything differs, or cannot be told from here, the engine is asked.
"""

from __future__ import annotations

from infra.engine.kept import Against, KeptStack
from infra.lifecycle.offline import StackChanges, compared
from infra.providers.kubernetes.drift import Applied, drifted
from infra.providers.kubernetes.errors import PluginError
from infra.stacks.components import Bill


def unchanged(stack: str, program: Bill, kept: KeptStack | None) -> StackChanges | None:
    """The stack where its program declares what the state has, nothing of an earlier update is left to do, and the
    cluster has all of it; else None. For stacks that the embedded plugin made."""
    if kept is None or not kept.settled:
        return None
    found = compared(stack, Against(program.declaration(stack), kept))
    exports = {name: output.value for name, output in kept.outputs.items()}
    kubeconfigs = [each.get("kubeconfig") for each in kept.providers.values()]
    if found.changes or found.declaration.exports != exports or kubeconfigs != [program.kubeconfig]:
        return None
    try:
        gone = drifted(program.kubeconfig, (Applied(each.identity, each.inputs) for each in kept.resources))
    except PluginError:
        return None
    return None if gone else found
