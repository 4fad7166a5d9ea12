"""What contents of workspaces need from Kubernetes, with its failures in words for the person who asks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from components.contract import KubernetesObject
from controlplane.errors import Conflict, NotFound, Refused, Temporary, Unavailable
from controlplane.kube import errors, logs
from controlplane.kube.client import Access, Kube
from controlplane.kube.logs import Line
from controlplane.kube.people import PeopleKube, Person
from controlplane.kube.resources import Resource

log = logging.getLogger(__name__)
_FORGET_SECONDS = 20.0
"""A kind that was not served is asked for again after this long."""


class NoLog(Exception):
    """There is no log to read yet, or no more; the message says why, for the person who asks."""


class Cluster:
    """One API server. Threads share it. Unavailable where the API server does not answer."""

    def __init__(
        self, kube: Kube, *, people: PeopleKube | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        """`people` makes objects in people's names; None: nothing is made."""
        self._kube = kube
        self._people = people
        self._clock = clock
        self._missing: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def served(self, resource: Resource) -> bool:
        """Whether the API server knows the kind; remembered for a while either way."""
        key = (resource.api_version, resource.kind)
        with self._lock:
            if self._missing.get(key, 0.0) > self._clock():
                return False
        try:
            with _in_words():
                self._kube.resource(*key)
        except errors.NotFound:
            self._forget(resource)
            return False
        return True

    def objects(
        self, resource: Resource, namespace: str, *, labels: str = "", fields: str = ""
    ) -> list[KubernetesObject] | None:
        """Every object of the kind in the namespace; None where the kind is not served."""
        if not self.served(resource):
            return None
        try:
            with _in_words():
                return list(self._kube.list(resource, namespace, labels=labels, fields=fields))
        except errors.NotFound:
            self._forget(resource)
            return None

    def first_served(self, resources: Sequence[Resource], namespace: str) -> list[KubernetesObject]:
        """The objects of the first of these kinds that is served; none where none is."""
        for resource in resources:
            found = self.objects(resource, namespace)
            if found is not None:
                return found
        return []

    def find(self, resource: Resource, namespace: str, name: str) -> KubernetesObject | None:
        """One object; None where it, or its kind, is absent."""
        if not self.served(resource):
            return None
        with _in_words():
            found = self._kube.find(resource, namespace, name)
        return None if found is None else {**found, "apiVersion": resource.api_version, "kind": resource.kind}

    def allowed(self, access: Access) -> bool:
        """RBAC's answer about somebody."""
        with _in_words():
            return self._kube.allowed(access)

    def patch(self, resource: Resource, namespace: str, name: str, patch: KubernetesObject) -> None:
        """A merge patch. NotFound where it is gone; Refused in the words of whoever refuses."""
        with _in_words(changing=True):
            self._kube.merge(resource, namespace, name, patch)

    def create_as(
        self, person: Person, resource: Resource, obj: KubernetesObject, mark: tuple[str, str]
    ) -> KubernetesObject:  # fmt: skip
        """Makes the object in a person's name, whom the API server lets do it or not. `mark`: annotation and value by
        which a second call of the same knows what the first has made. Conflict where another has the name."""
        if self._people is None:
            raise Unavailable("This process cannot make anything in the cluster.")
        meta = obj["metadata"]
        with _in_words(changing=True):
            try:
                return self._people.create(person, resource, obj)
            except errors.AlreadyExists as error:
                there = self._kube.get(resource, meta["namespace"], meta["name"])
                if (there["metadata"].get("annotations") or {}).get(mark[0]) == mark[1]:
                    return there
                raise Conflict(f"There is a {obj['kind']} {meta['name']} already. Try again.") from error

    def delete(self, resource: Resource, namespace: str, name: str, uid: str) -> None:
        """Deletes that very object; nothing to do where it is gone."""
        with _in_words(changing=True):
            self._kube.delete(resource, namespace, name, uid=uid)

    def last_lines(self, namespace: str, pod: str, container: str, lines: int) -> list[Line]:
        """The end of a log. NoLog where there is none."""
        with _log_in_words():
            return logs.last(self._kube, namespace, pod, container, lines)

    def follow(
        self, namespace: str, pod: str, container: str, *, tail: int, after: str, silence: float
    ) -> Iterator[Line]:
        """See `kube.logs.follow`. NoLog where there is none."""
        with _log_in_words():
            yield from logs.follow(self._kube, namespace, pod, container, tail=tail, after=after, silence=silence)

    def _forget(self, resource: Resource) -> None:
        key = (resource.api_version, resource.kind)
        with self._lock:
            self._missing[key] = self._clock() + _FORGET_SECONDS
        self._kube.discovered.pop(key, None)


_AWAY = partial(Unavailable, "The cluster does not answer right now. Nothing was changed; try again.", retry_after=5)


@contextmanager
def _in_words(*, changing: bool = False) -> Iterator[None]:
    """Failures as the person may see them; NotFound of the API itself passes where nothing is changed."""
    try:
        yield
    except errors.NotFound as error:
        if changing:
            raise NotFound from error
        raise
    except Temporary as error:
        log.warning("the cluster did not answer", extra={"cause": str(error)})
        raise _AWAY() from error
    except errors.Forbidden as error:
        if not changing:
            raise
        raise Refused(f"The cluster refused it: {error.said}", code="cluster-refused") from error
    except errors.Rejected as error:
        if not changing:
            raise
        raise Refused(f"The cluster found it wrong: {error.said}", code="cluster-refused") from error


@contextmanager
def _log_in_words() -> Iterator[None]:
    try:
        yield
    except errors.NotFound as error:
        raise NoLog("The pod is gone, and its log with it.") from error
    except errors.Rejected as error:
        raise NoLog(f"There is no log yet: {error.said}") from error
    except Temporary as error:
        log.warning("a log could not be read", extra={"cause": str(error)})
        raise NoLog("The node does not answer right now.") from error
