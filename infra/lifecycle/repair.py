"""`platform repair`: finds what killed runs left in the state, and mends what can be mended."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from infra.engine.engine import Engine
from infra.engine.model import OnEvent
from infra.installation.home import Home, cache_root
from infra.lifecycle.damages import Damage, damages
from infra.lifecycle.engines import open_engine
from infra.lifecycle.names import ADDRESS_STACK, CLUSTER_STACK, COMPONENTS_STACK, CONTROL_PLANE_STACK
from infra.profile.model import Profile
from infra.toolchain.service import Toolchain

STACKS = (CLUSTER_STACK, COMPONENTS_STACK, ADDRESS_STACK, CONTROL_PLANE_STACK)


class Repair:
    """One installation. Looking changes nothing."""

    def __init__(self, engine: Engine, *, lock_of: str = "", forget: Collection[str] = ()) -> None:
        """`lock_of` and `forget`: as infra.lifecycle.damages has them."""
        self._engine = engine
        self._lock_of, self._forget = lock_of, tuple(forget)

    def look(self) -> tuple[Damage, ...]:
        """What is there. Raises EngineError."""
        return tuple(each for stack in STACKS if self._engine.exists(stack) for each in self._of(stack))

    def _of(self, stack: str) -> tuple[Damage, ...]:
        locks, pending = self._engine.locks(stack), self._engine.pending(stack)
        return damages(stack, locks, pending, lock_of=self._lock_of, forget=self._forget)

    def mend(self, found: Sequence[Damage], on_event: OnEvent | None = None) -> tuple[Damage, ...]:
        """Does what `mends` says; gives what is still there. A stack that somebody works on stays as it is, and so
        do a stack's unfinished operations while one of them needs a person."""
        for stack in dict.fromkeys(damage.stack for damage in found):
            given_up = {
                damage.key for damage in found if damage.stack == stack and damage.kind == "lock" and damage.mends
            }
            for lock in self._engine.locks(stack):
                if lock.dead or lock.who in given_up:
                    self._engine.unlock(lock)
            operations = [damage for damage in found if damage.stack == stack and damage.kind != "lock"]
            if operations and not self._engine.locks(stack):
                self._settle(stack, operations, on_event)
        return self.look()

    def _settle(self, stack: str, operations: Sequence[Damage], on_event: OnEvent | None) -> None:
        known = {each.resource.urn for each in self._engine.pending(stack) if each.settles}
        drop = [damage.urn for damage in operations if damage.mends and damage.urn not in known]
        if self._engine.settle(stack, drop=drop) and known:
            self._engine.refresh(stack, on_event=on_event)


def open_repair(profile: Profile, home: Home, *, lock_of: str, forget: Collection[str]) -> Repair:
    """The repair of an installation. Raises SdkMissing."""
    pulumi = Toolchain(cache_root()).ensure(["pulumi"])["pulumi"].path
    return Repair(open_engine(profile, home, pulumi), lock_of=lock_of, forget=forget)
