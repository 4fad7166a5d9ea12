"""Addresses of MLflow's pages. Pure."""

from __future__ import annotations

from urllib.parse import quote


def run(namespace: str, experiment: str, run_id: str) -> str:
    return f"/mlflow/#/experiments/{quote(experiment, safe='')}/runs/{quote(run_id, safe='')}?workspace={namespace}"


def registered_model(namespace: str, name: str) -> str:
    return f"/mlflow/#/models/{quote(name, safe='')}?workspace={namespace}"


def version(namespace: str, name: str, number: int) -> str:
    return f"/mlflow/#/models/{quote(name, safe='')}/versions/{number}?workspace={namespace}"
