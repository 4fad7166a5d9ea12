"""`platform down`: removes an installation in the reverse order, then looks for what is left.

On a cluster made here, objects go with the cluster: their stacks are forgotten, not destroyed one by one. With
`keep_data` the hosts are stopped and everything else stays, so that the next `up` goes on with it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from components.names import LABEL_TENANT
from infra.clouds.opening import open_cloud
from infra.engine.engine import Engine
from infra.hosts import cgroups
from infra.hosts.layout import HOSTS_ROOT, Layout
from infra.hosts.lifecycle import remove as remove_host
from infra.hosts.model import load as load_spec
from infra.installation.home import Home, cache_root
from infra.installation.record import Recorder, read_record
from infra.kubectl import Kubectl
from infra.lifecycle.engines import open_engine
from infra.lifecycle.errors import Refused
from infra.lifecycle.names import ADDRESS_STACK, CLUSTER_STACK, COMPONENTS_STACK, CONTROL_PLANE_STACK
from infra.lifecycle.progress import Report
from infra.lifecycle.runner import Say, Step, run
from infra.lifecycle.tenant_data import delete_workspaces, refuse_loss
from infra.lifecycle.up import tell
from infra.plan.steps import PlannedStep
from infra.profile.model import Profile
from infra.toolchain.service import Toolchain

_WORKSPACES = PlannedStep("remove-workspaces", "Delete the workspaces with their buckets and identities", 120)
_CLOUD = PlannedStep("remove-cloud", "Remove the cluster and all that it was given", 1200)
_APPS = PlannedStep("remove-platform", "Remove the platform from the cluster", 60)
_CLUSTER = PlannedStep("remove-cluster", "Remove the cluster", 15)
_FILES = PlannedStep("remove-files", "Remove the installation's files", 1)
_DELETE_SECONDS = 300.0


def remove(
    profile: Profile, home: Home, report: Report, *, keep_data: bool, delete_data: bool = False
) -> dict[str, Any]:
    """What it gives is the document of `down --json`: removed, leftovers. Raises StepFailed; a retry goes on.

    Raises Refused for `keep_data` on a cluster whose hosts are not of this machine, while tenants have data outside of
    it and `delete_data` was not said, and while a cloud's deletion protection is on.
    """
    local = profile.target == "local"
    if keep_data and not local:
        raise Refused("--keep-data works for clusters on this machine; volumes of others go with their namespaces.")
    begun = local or bool(read_record(home).profile)
    if begun and not local:
        _refuse_protected(profile)
        refuse_loss(home, delete_data=delete_data)
    down = Down(profile, home)
    # A cluster that was never begun left nothing behind but files.
    steps = down.steps(keep_data=keep_data) if begun else []
    if not keep_data:
        steps.append(Step(_FILES, lambda _: down.remove_files()))
    run(steps, Recorder(home), report)
    found = leftovers(profile) if begun and not keep_data else []
    if not keep_data:
        shutil.rmtree(home.path, ignore_errors=True)
    return {"removed": True, "leftovers": found}


def _refuse_protected(profile: Profile) -> None:
    if profile.cloud is not None and profile.cloud.deletion_protection:
        raise Refused(
            f"{profile.target}.deletion_protection is on: database, buckets and keys would refuse to go. Switch it off "
            "in the profile, apply that with platform up, then start platform down again."
        )


class Down:
    """The work of each step."""

    def __init__(self, profile: Profile, home: Home) -> None:
        self._profile = profile
        self._home = home

    def steps(self, *, keep_data: bool) -> list[Step]:
        """What removes the platform from a cluster of this target, in order."""
        match self._profile.target:
            case "local" | "onprem":
                return [Step(_CLUSTER, lambda say: self.remove_hosts(say, keep_data=keep_data))]
            case "existing":
                return [Step(_APPS, self.remove_objects)]
            case _:
                return [
                    Step(_WORKSPACES, self.remove_workspaces),
                    Step(_APPS, self.remove_objects),
                    Step(_CLOUD, self.remove_cloud),
                ]

    def remove_workspaces(self, say: Say) -> None:
        """Through the control plane, as long as there is one."""
        engine = self._engine()
        if any(stack.name == CONTROL_PLANE_STACK and stack.resources for stack in engine.stacks()):
            delete_workspaces(self._home, say)

    def remove_cloud(self, say: Say) -> None:
        """The DNS record, then everything that the cluster's program made."""
        engine = self._engine()
        for stack in (ADDRESS_STACK, CLUSTER_STACK):
            engine.destroy(stack, on_event=tell(say), remove=True)

    def remove_hosts(self, say: Say, *, keep_data: bool) -> None:
        """The hosts with everything on them. Works from what is on the machine, whatever the state says."""
        if keep_data:
            self._stop_hosts(say, keep_data=True)
            return
        engine = self._engine()
        with _tearing_down("all"):
            engine.destroy(CLUSTER_STACK, on_event=tell(say))
        for stack in (CONTROL_PLANE_STACK, COMPONENTS_STACK, CLUSTER_STACK):
            engine.forget(stack)
        self._stop_hosts(say, keep_data=False)

    def remove_objects(self, say: Say) -> None:
        """From a cluster that is not ours: the control plane, the workspaces, then the components."""
        engine = self._engine()
        engine.destroy(CONTROL_PLANE_STACK, on_event=tell(say), remove=True)
        if self._home.kubeconfig.exists():
            say("deleting the workspaces' namespaces")
            kubectl = Toolchain(cache_root()).ensure(["kubectl"])["kubectl"].path
            Kubectl(kubectl, self._home.kubeconfig).run(
                "delete", "namespace", f"--selector={LABEL_TENANT}", "--wait=true", seconds=_DELETE_SECONDS
            )
        engine.destroy(COMPONENTS_STACK, on_event=tell(say), remove=True)

    def remove_files(self) -> None:
        """State, secrets and logs of the installation, but for the log of this very run and the lock."""
        for path in self._home.path.iterdir():
            if path != self._home.logs and path.name not in ("lock", "steps.json"):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def _engine(self) -> Engine:
        pulumi = Toolchain(cache_root()).ensure(["pulumi"])["pulumi"].path
        return open_engine(self._profile, self._home, pulumi)

    def _stop_hosts(self, say: Say, *, keep_data: bool) -> None:
        folder = HOSTS_ROOT / self._profile.name
        for root in sorted(folder.iterdir()) if folder.is_dir() else []:
            layout = Layout(self._profile.name, root.name)
            say(f"stopping host {layout.host}")
            spec = load_spec(layout.spec.read_text("utf-8")) if layout.spec.exists() else None
            remove_host(layout, spec.cgroup if spec else f"mlp-{self._profile.name}-{root.name}", keep_data)


def leftovers(profile: Profile) -> list[str]:
    """What is still there of an installation: hosts on this machine, or whatever bears its tag in the cloud."""
    if profile.cloud is not None:
        return [f"{orphan.kind} {orphan.identity}: {orphan.remedy}" for orphan in open_cloud(profile).orphans()]
    installation = profile.name
    folder = HOSTS_ROOT / installation
    found = [str(folder)] if folder.exists() else []
    groups = [group for tree in cgroups.hierarchies() for group in tree.mount.glob(f"mlp-{installation}-*")]
    return found + [str(group) for group in groups]


@contextmanager
def _tearing_down(mode: str) -> Iterator[None]:
    """Tells the hosts plugin that the whole cluster goes, so that it moves nothing elsewhere first."""
    os.environ["MLP_TEARDOWN"] = mode
    try:
        yield
    finally:
        del os.environ["MLP_TEARDOWN"]
