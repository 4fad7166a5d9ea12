"""Waiting for what a cloud takes minutes to spread: that its administrator may use the new cluster."""

from __future__ import annotations

import time

from infra.kubectl import Kubectl, KubectlFailed, short
from infra.lifecycle.errors import LifecycleError
from infra.lifecycle.runner import Say

_SECONDS = 600.0
_EVERY = 5.0


def wait_for_rights(kubectl: Kubectl, say: Say, seconds: float = _SECONDS) -> None:
    """Returns when the kubeconfig's person may make namespaces. Raises LifecycleError with the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            kubectl.run("create", "namespace", "mlp-asked-only", "--dry-run=server", "--output=name")
        except KubectlFailed as error:
            answer = short(str(error))
        else:
            return
        if time.monotonic() >= deadline:
            raise LifecycleError(
                f"After {seconds:.0f} s the cluster does not let you make namespaces; it says: {answer} Is this "
                "machine in a network that reaches its API, and are you among its administrators? See docs/targets."
            )
        say(f"waiting until the cluster lets you in: {answer}")
        time.sleep(_EVERY)
