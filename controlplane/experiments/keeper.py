"""Records searches in MLflow: a look at all of them every few seconds.

What MLflow has is looked up by tags each time, so a round that was cut short is finished by the next one and repeating
it changes nothing. A round is bounded in time. A search that cannot be recorded waits longer and longer, and holds up
no other.
"""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from controlplane.errors import ControlPlaneError
from controlplane.experiments import model
from controlplane.experiments.model import Search, Trial
from controlplane.kube.client import Kube
from controlplane.kube.errors import NotFound
from controlplane.kube.resources import Resource
from controlplane.tracking.calls import TrackingObjects
from controlplane.tracking.registry import Registry
from controlplane.tracking.runs import Run, Runs

log = logging.getLogger(__name__)

EXPERIMENTS = Resource("kubeflow.org/v1beta1", "Experiment", "experiments")
TRIALS = Resource("kubeflow.org/v1beta1", "Trial", "trials")
_LONGEST_ROUND = 30.0
"""Seconds; what a round did not come to, the next one begins with."""
_FIRST_WAIT, _LONGEST_WAIT = 10.0, 300.0


@dataclass(frozen=True)
class Round:
    """What one look came to."""

    searches: int
    recorded: int
    failed: int


@dataclass
class _Wait:
    until: float
    seconds: float


@dataclass
class _Memory:
    """Of one search, by its uid. Only saves work: without it everything is looked up again."""

    recorded: str = ""
    """Fingerprint of what MLflow is known to have."""
    wait: _Wait | None = None
    open: tuple[str, str] | None = None
    """Namespace and id of its parent while the search goes on."""


class SearchKeeper:
    """`look` is one round. One thread calls it."""

    def __init__(
        self, kube: Kube, runs: Runs, registry: Registry, clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._kube = kube
        self._runs = runs
        self._registry = registry
        self._clock = clock
        self._memory: dict[str, _Memory] = defaultdict(_Memory)
        self._behind = ""
        """Where the last round ended too early: uid of the first search that it did not come to."""

    def look(self, stopped: Callable[[], bool] = lambda: False) -> Round:
        """Raises KubeError where the API server does not list; every other trouble is one search's own."""
        deadline = self._clock() + _LONGEST_ROUND
        searches, trials = self._listed()
        for gone in self._memory.keys() - {search.uid for search in searches}:
            self._gone(self._memory.pop(gone))
        turned = sorted(searches, key=lambda each: (each.uid < self._behind, each.uid))
        self._behind = ""
        outcomes: list[bool] = []
        for search in turned:
            of_it = trials[search.namespace, search.name]
            if not self._due(search, of_it):
                continue
            if stopped() or self._clock() > deadline:
                self._behind = search.uid
                break
            outcomes.append(self._recorded(search, of_it))
        return Round(len(searches), outcomes.count(True), outcomes.count(False))

    def _listed(self) -> tuple[list[Search], dict[tuple[str, str], list[Trial]]]:
        """Trials first: an experiment that has ended ended after its trials."""
        trials: dict[tuple[str, str], list[Trial]] = defaultdict(list)
        try:
            for obj in self._kube.list(TRIALS):
                found = model.trial_of(obj)
                if found is not None:
                    trials[found[0]].append(found[1])
            searches = [search for obj in self._kube.list(EXPERIMENTS) if (search := model.search_of(obj))]
        except NotFound:
            log.warning("Katib's kinds are not served")
            return [], trials
        return searches, trials

    def _due(self, search: Search, trials: Sequence[Trial]) -> bool:
        memory = self._memory[search.uid]
        if not any(trial.ended for trial in trials) or memory.recorded == search.fingerprint(trials):
            return False
        return memory.wait is None or memory.wait.until <= self._clock()

    def _recorded(self, search: Search, trials: Sequence[Trial]) -> bool:
        memory = self._memory[search.uid]
        about = {"namespace": search.namespace, "experiment": search.name}
        try:
            parent = record(search, trials, self._runs, self._registry)
        except ControlPlaneError as error:
            log.warning("could not record a search", extra={**about, "cause": str(error)})
        except Exception:
            log.exception("could not record a search", extra=about)
        else:
            memory.recorded, memory.wait = search.fingerprint(trials), None
            memory.open = (search.namespace, parent.id) if search.ended is None else None
            log.info("search recorded", extra=about)
            return True
        seconds = min(memory.wait.seconds * 2, _LONGEST_WAIT) if memory.wait else _FIRST_WAIT
        memory.wait = _Wait(self._clock() + seconds, seconds)
        return False

    def _gone(self, memory: _Memory) -> None:
        """Nobody goes on with a search whose experiment was deleted. Best effort: it is not asked about again."""
        if memory.open is None:
            return
        namespace, run = memory.open
        try:
            self._runs.end(namespace, run, "KILLED", int(time.time() * 1000))
        except ControlPlaneError as error:
            log.info("could not end a search", extra={"namespace": namespace, "cause": str(error)})


@dataclass
class _Record:
    """The runs of a search, and what is done with them."""

    search: Search
    runs: Runs
    kept: list[Run] = field(default_factory=list)
    """Those that bear the search's uid."""
    own: list[Run] = field(default_factory=list)
    """Those that its trials' own code logged."""

    @property
    def namespace(self) -> str:
        return self.search.namespace

    def read(self) -> None:
        uid, name = self.search.uid, self.search.name
        self.kept = self.runs.search(self.namespace, f"tags.`{model.TAG_EXPERIMENT}` = '{uid}'")
        self.own = self.runs.search(
            self.namespace, f"tags.`{model.TAG_KIND}` = 'Trial' and tags.`{model.TAG_OF}` = '{name}'"
        )

    def parent(self, trials: Iterable[Trial]) -> Run:
        """The earliest that is there; a new one beside the first run that a trial's code logged, else in an experiment
        of the search's name."""
        for run in self.kept:
            if run.tags.get(model.TAG_KIND) == "Experiment":
                return run
        logged = [run for trial in trials for run in model.logged_by(trial, self.own)]
        place = logged[0].experiment if logged else self.runs.experiment(self.namespace, self.search.name)
        run = self.runs.start(
            self.namespace, place, self.search.name, began=self.search.began, tags=model.parent_tags(self.search)
        )
        params = {"algorithm": self.search.algorithm, "objective": self.search.objective}
        self.runs.note(self.namespace, run.id, params=params)
        return run

    def child(self, trial: Trial, parent: Run) -> Run:
        """The trial's run: its own code's, or else one that says what Katib knows of it."""
        logged = model.logged_by(trial, self.own)
        for run in logged:
            if run.tags.get(model.PARENT) != parent.id:
                self.runs.note(self.namespace, run.id, tags=model.adopted_tags(self.search, parent.id))
        if logged:
            return next((run for run in reversed(logged) if run.models), logged[-1])
        made = [run for run in self.kept if run.tags.get(model.TAG_NAME) == trial.name]
        run = made[0] if made else self._start(trial, parent)
        if run.status == "RUNNING" and trial.ended:
            self.runs.note(
                self.namespace, run.id, params=trial.parameters, metrics=trial.metrics, at=trial.until
            )  # fmt: skip
            self.runs.end(self.namespace, run.id, trial.ended, trial.until)
        return run

    def _start(self, trial: Trial, parent: Run) -> Run:
        tags = model.child_tags(self.search, trial, parent.id)
        return self.runs.start(self.namespace, parent.experiment, trial.name, began=trial.began, tags=tags)

    def end(self, parent: Run, best: Run | None) -> None:
        """The parent says what was found, and how the search ended."""
        found, ended = self.search.best, self.search.ended
        if found is not None:
            tags = {model.TAG_BEST_TRIAL: found.trial, model.TAG_BEST: json.dumps(dict(found.parameters))}
            params = {f"best.{name}": value for name, value in found.parameters.items()}
            self.runs.note(
                self.namespace, parent.id, metrics=found.metrics, at=self.search.until,
                params={} if params.keys() & parent.params.keys() else params,
                tags=tags | ({model.TAG_BEST_RUN: best.id} if best else {}),
            )  # fmt: skip
        if ended is not None and parent.status != ended:
            self.runs.end(self.namespace, parent.id, ended, self.search.until)


def record(search: Search, trials: Sequence[Trial], runs: Runs, registry: Registry) -> Run:
    """MLflow has all of the search's trials that have ended, and what it found once it has ended itself. Gives the
    parent as it was before."""
    work = _Record(search, runs)
    work.read()
    done = sorted((trial for trial in trials if trial.ended), key=lambda trial: (trial.began, trial.name))
    parent = work.parent(done)
    children = {trial.name: work.child(trial, parent) for trial in done}
    if search.ended is None:
        return parent
    best = children.get(search.best.trial) if search.best else None
    work.end(parent, best)
    if search.ended == "FINISHED" and search.model:
        said = _registered(search, best, registry, parent.tags.get(model.TAG_REGISTERED, ""))
        if said != parent.tags.get(model.TAG_REGISTERED):
            runs.note(search.namespace, parent.id, tags={model.TAG_REGISTERED: said})
    return parent


def _registered(search: Search, best: Run | None, registry: Registry, said: str) -> str:
    """What the parent should say of it. The alias is given once: people may have moved it since."""
    if best is None or not best.models:
        return "nothing: the best trial logged no model"
    try:
        version = registry.of_run(search.namespace, search.model, best.id)
        if version is not None and said == f"{search.model}/{version.version}":
            return said
        if version is None:
            tags = {model.TAG_EXPERIMENT: search.uid, model.TAG_NAME: search.best.trial if search.best else ""}
            version = registry.register(
                search.namespace, search.model, logged=best.models[-1], run=best.id, tags=tags
            )  # fmt: skip
        registry.point(search.namespace, search.model, model.ALIAS, version.version)
    except TrackingObjects as error:
        return f"nothing: {error}"[:400]
    return f"{search.model}/{version.version}"
