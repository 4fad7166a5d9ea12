"""Asks Kubernetes whether a person may run pods in a workspace: RBAC decides, nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable

from kubernetes_asyncio import client
from kubernetes_asyncio.client.rest import ApiException
from kubespawner.clients import load_config, shared_client

from components.names import workspace_namespace
from components.notebooks.hub.caller import Caller
from components.notebooks.hub.people import Unknowable
from components.notebooks.naming import workspace_of

_MOST = 10_000


class Authority:
    """Answers are remembered for `seconds`, per person, groups and workspace."""

    def __init__(self, seconds: float = 3.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._known: dict[tuple[str, tuple[str, ...], str], tuple[float, bool]] = {}

    async def may_run(self, caller: Caller, server: str) -> bool:
        """Whether the person may create pods in the server's workspace. Raises Unknowable."""
        place = workspace_of(server)
        if place is None:
            return False
        namespace = workspace_namespace(*place)
        key, now = (caller.user, caller.groups, namespace), self._clock()
        known = self._known.get(key)
        if known is not None and known[0] > now:
            return known[1]
        if len(self._known) > _MOST:
            self._known.clear()
        allowed = await self._review(caller, namespace)
        self._known[key] = (now + self._seconds, allowed)
        return allowed

    async def _review(self, caller: Caller, namespace: str) -> bool:
        load_config()
        review = client.V1SubjectAccessReview(
            spec=client.V1SubjectAccessReviewSpec(
                user=caller.user,
                groups=[*caller.groups, "system:authenticated"],
                resource_attributes=client.V1ResourceAttributes(
                    namespace=namespace, verb="create", group="", resource="pods"
                ),
            )
        )
        try:
            answer = await shared_client("AuthorizationV1Api").create_subject_access_review(review, _request_timeout=5)
        except (ApiException, OSError, TimeoutError) as error:
            raise Unknowable("the API server does not answer") from error
        return bool(answer.status.allowed)
