"""healthz (the process lives), readyz (it can serve), metrics. Not meant for the gateway's callers."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controlplane.auth import repository as auth
from controlplane.errors import NotFound, Unavailable
from controlplane.http import caller
from controlplane.operations import repository as operations
from controlplane.runtime import Runtime, system
from controlplane.tenants import repository as tenants
from controlplane.workspaces import repository as workspaces


class _Records(Collector):
    """Figures from the database, read when asked for."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> list[Metric]:
        try:
            with self._runtime.work(system("metrics")) as work:
                by_state = {
                    "mlp_tenants": ("Tenants by state", tenants.count(work.session)),
                    "mlp_workspaces": ("Workspaces by state", workspaces.count(work.session)),
                }
                unfinished = operations.count(work.session)
                sessions = auth.count_sessions(work.session)
        except Unavailable:
            return []
        found: list[Metric] = []
        for name, (text, counts) in by_state.items():
            family = GaugeMetricFamily(name, text, labels=["state"])
            for state, n in counts.items():
                family.add_metric([state], n)
            found.append(family)
        family = GaugeMetricFamily("mlp_operations", "Operations not over or ended badly", labels=["kind", "state"])
        for (kind, state), n in unfinished.items():
            family.add_metric([kind, state], n)
        return [*found, family, GaugeMetricFamily("mlp_sessions", "Sessions", value=sessions)]


def init_app(app: Flask, runtime: Runtime) -> None:
    registry = CollectorRegistry()
    registry.register(_Records(runtime))
    requests = Counter("mlp_http_requests", "Requests", ["endpoint", "method", "status"], registry=registry)
    seconds = Histogram("mlp_http_seconds", "Time to answer", ["endpoint"], registry=registry)

    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def _count(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        requests.labels(endpoint, request.method, str(response.status_code)).inc()
        seconds.labels(endpoint).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        return response

    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain")

    def readyz() -> Response:
        if not runtime.database_answers():
            raise Unavailable("The database does not answer.", retry_after=2)
        return Response("ready\n", content_type="text/plain")

    def metrics() -> Response:
        if caller.GATEWAY_HEADER in request.headers:
            raise NotFound
        return Response(generate_latest(registry), content_type="text/plain; version=0.0.4; charset=utf-8")

    app.add_url_rule("/healthz", "health.healthz", healthz)
    app.add_url_rule("/readyz", "health.readyz", readyz)
    app.add_url_rule("/metrics", "health.metrics", metrics)
