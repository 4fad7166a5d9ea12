"""REST of registered models."""

from __future__ import annotations

from controlplane.http.caller import outside
from controlplane.http.endpoint import Api
from controlplane.model import Page, Slug
from controlplane.models.model import ModelDetail, ModelName, ModelQuery, RegisteredModel
from controlplane.models.service import ModelService
from controlplane.work import Work

api = Api("models")
_ALL = "/tenants/{tenant}/workspaces/{workspace}/models"


@api.get(_ALL)
def list_models(work: Work, tenant: Slug, workspace: Slug, query: ModelQuery) -> Page[RegisteredModel]:
    """Registered models with their aliases, by name."""
    return ModelService(work, outside().tracking).list(tenant, workspace, query)


@api.get(_ALL + "/{model}")
def get_model(work: Work, tenant: Slug, workspace: Slug, model: ModelName) -> ModelDetail:
    """One registered model with its versions, newest first."""
    return ModelService(work, outside().tracking).get(tenant, workspace, model)
