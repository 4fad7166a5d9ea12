"""What operations on a tenant do: wait for those on its workspaces, then finish."""

from __future__ import annotations

from uuid import UUID

from controlplane.auth import repository as accounts
from controlplane.errors import Temporary
from controlplane.members import repository as members
from controlplane.operations import repository as operations
from controlplane.operations.model import ACTIVE, OperationKind, OperationState
from controlplane.operations.repository import OperationRow
from controlplane.operations.runner import Outcome, Run
from controlplane.runtime import system
from controlplane.tenants import repository
from controlplane.tenants.model import TenantState
from controlplane.tenants.people import People
from controlplane.work import Work
from controlplane.workspaces import repository as workspaces

KINDS = (OperationKind.TENANT_SUSPEND, OperationKind.TENANT_RESUME, OperationKind.TENANT_DELETE)


class TenantHandler:
    """The operations on workspaces were queued together with this one, as its children."""

    def __init__(self, people: People | None = None) -> None:
        self._people = people

    def load(self, work: Work, row: OperationRow) -> UUID | None:  # noqa: ARG002
        return row.tenant_id

    def run(self, run: Run) -> Outcome:
        with run.runtime.work(system("worker")) as work:
            children = operations.children(work.session, run.operation)
            left = len(workspaces.of_tenant(work.session, run.loaded))
        active = [child for child in children if child.state in ACTIVE]
        bad = [child for child in children if child.state in (OperationState.FAILED, OperationState.PARKED)]
        run.report("workspaces", f"{len(children) - len(active)} of {len(children)} done")
        if active:
            raise Temporary(f"Waiting for {len(active)} of {len(children)} workspaces.", waiting=True)
        if run.kind is OperationKind.TENANT_DELETE and left:
            why = bad[0].message if bad else "its operation ended early"
            raise Temporary(f"{left} workspaces are still there ({why}); retry their operations.", waiting=True)
        if self._people is not None:
            self._people.keep()
        if bad:
            return Outcome(OperationState.FAILED, f"{len(bad)} of {len(children)} workspaces failed: {bad[0].message}")
        return Outcome(result={"workspaces": len(children)})

    def settle(self, work: Work, run: Run, outcome: Outcome) -> None:
        if run.kind is not OperationKind.TENANT_DELETE or outcome.state != OperationState.SUCCEEDED:
            return
        row = repository.by_id(work.session, run.loaded, lock=True)
        if row is None or row.state != TenantState.DELETING:
            return
        row.state = TenantState.DELETED
        row.touch(work.now)
        members.remove_all(work.session, row.id)
        accounts.revoke_tokens_of_tenant(work.session, row.id, work.now)
        work.audit("tenant.deleted", f"tenant/{row.slug}", tenant=row.id)
