"""Registered models, read from MLflow as the caller."""

from __future__ import annotations

from itertools import islice

from controlplane.auth.policy import Action
from controlplane.db import decode_cursor, encode_cursor
from controlplane.model import Page
from controlplane.models.model import ModelAlias, ModelDetail, ModelQuery, ModelVersion, RegisteredModel
from controlplane.tracking import links
from controlplane.tracking import model as tracked
from controlplane.tracking.caller import as_caller
from controlplane.tracking.client import Tracking
from controlplane.work import Work
from controlplane.workspaces.service import find

_VERSIONS = 200


class ModelService:
    """MLflow asks RBAC about the caller, so platform admins see models only as members of the tenant."""

    def __init__(self, work: Work, tracking: Tracking | None) -> None:
        self._work = work
        self._tracking = tracking

    def list(self, tenant: str, workspace: str, query: ModelQuery) -> Page[RegisteredModel]:
        """By name."""
        _, row = find(self._work, tenant, workspace, Action.WORKSPACE_READ)
        mlflow = as_caller(self._work, self._tracking, row.namespace)
        found = sorted(mlflow.models(query.search or ""), key=lambda model: model.name)
        if query.cursor:
            (after,) = decode_cursor(query.cursor, 1)
            found = [model for model in found if model.name > after]
        shown = found[: query.limit]
        more = encode_cursor(shown[-1].name) if len(found) > query.limit else None
        return Page(items=tuple(shown_model(row.namespace, model) for model in shown), next=more)

    def get(self, tenant: str, workspace: str, name: str) -> ModelDetail:
        """With its versions. NotFound where MLflow has none of that name."""
        _, row = find(self._work, tenant, workspace, Action.WORKSPACE_READ)
        mlflow = as_caller(self._work, self._tracking, row.namespace)
        model = mlflow.registered_model(name)
        aliases: dict[int, tuple[str, ...]] = {}
        for alias, number in sorted(model.aliases.items()):
            aliases[number] = (*aliases.get(number, ()), alias)
        versions = islice(mlflow.versions(name), _VERSIONS)
        return ModelDetail(
            model=shown_model(row.namespace, model),
            versions=tuple(_version(row.namespace, version, aliases.get(version.version, ())) for version in versions),
        )


def shown_model(namespace: str, model: tracked.RegisteredModel) -> RegisteredModel:
    return RegisteredModel(
        name=model.name, description=model.description, latest=model.latest,
        aliases=tuple(ModelAlias(alias=alias, version=number) for alias, number in sorted(model.aliases.items())),
        url=links.registered_model(namespace, model.name), created_at=model.created_at, updated_at=model.updated_at,
    )  # fmt: skip


def _version(namespace: str, found: tracked.ModelVersion, aliases: tuple[str, ...]) -> ModelVersion:
    return ModelVersion(
        version=found.version, aliases=aliases, status=found.status, run=found.run or None,
        description=found.description, created_at=found.created_at,
        url=links.version(namespace, found.name, found.version),
    )  # fmt: skip
