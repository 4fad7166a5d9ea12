"""REST of what runs in a workspace."""

from __future__ import annotations

from flask import Response

from controlplane.contents import stream
from controlplane.contents.actions import ActionService
from controlplane.contents.model import (
    ContentAction,
    ContentDetail,
    ContentKind,
    ContentName,
    ContentQuery,
    Contents,
    ContentStart,
    LogQuery,
    Logs,
)
from controlplane.contents.service import ContentService
from controlplane.contents.starts import StartService
from controlplane.http.caller import outside, runtime
from controlplane.http.endpoint import Api
from controlplane.http.stream import MEDIA_TYPE, event_stream
from controlplane.model import Slug
from controlplane.work import Work

api = Api("contents")
_ALL = "/tenants/{tenant}/workspaces/{workspace}/contents"
_ONE = _ALL + "/{kind}/{name}"


def _service(work: Work) -> ContentService:
    there = outside()
    return ContentService(work, there.cluster, there.tracking)


@api.get(_ALL)
def list_contents(work: Work, tenant: Slug, workspace: Slug, query: ContentQuery) -> Contents:
    """Notebooks, jobs, experiments, pipelines, endpoints and models as they are now, newest first."""
    return _service(work).list(tenant, workspace, query)


@api.get(_ONE)
def get_content(work: Work, tenant: Slug, workspace: Slug, kind: ContentKind, name: ContentName) -> ContentDetail:
    """One of them with its conditions, parts, pods and events."""
    return _service(work).get(tenant, workspace, kind, name)


@api.get(_ONE + "/logs")
def get_content_logs(
    work: Work, *, tenant: Slug, workspace: Slug, kind: ContentKind, name: ContentName, query: LogQuery
) -> Logs:
    """The last lines of one of its pods."""
    return _service(work).logs(tenant, workspace, kind, name, query)


@api.get(_ONE + "/logs/events", raw=MEDIA_TYPE)
def follow_content_logs(
    work: Work, *, tenant: Slug, workspace: Slug, kind: ContentKind, name: ContentName, query: LogQuery
) -> Response:
    """Server-sent events: `line` with a LogLine as JSON as it comes, `end` when the container has ended."""
    service = _service(work)
    place = service.log_place(tenant, workspace, kind, name, query)
    return event_stream(stream.lines(runtime(), service.cluster, place, query.tail, stream.last_seen()))


def _act(
    work: Work, tenant: Slug, workspace: Slug, thing: tuple[ContentKind, str], action: ContentAction
) -> ContentDetail:
    return ActionService(work, outside().cluster).act(tenant, workspace, *thing, action)


@api.post(_ONE + "/stop")
def stop_content(
    work: Work, tenant: Slug, workspace: Slug, kind: ContentKind, name: ContentName
) -> ContentDetail:  # fmt: skip
    """Free what it uses. What its kind can suspend can be resumed; a notebook is started anew by the hub."""
    return _act(work, tenant, workspace, (kind, name), ContentAction.STOP)


@api.post(_ONE + "/resume")
def resume_content(
    work: Work, tenant: Slug, workspace: Slug, kind: ContentKind, name: ContentName
) -> ContentDetail:  # fmt: skip
    """Undo a stop; a job goes into the queue again."""
    return _act(work, tenant, workspace, (kind, name), ContentAction.RESUME)


@api.post(_ONE + "/start", status=201)
def start_content(
    work: Work, *, tenant: Slug, workspace: Slug, kind: ContentKind, name: ContentName, body: ContentStart
) -> ContentDetail:
    """Run a workflow template, a schedule before its time, or a workflow that ended once more. Gives the new workflow,
    which is made in the caller's name."""
    return StartService(work, outside().cluster).start(tenant, workspace, kind, name, body)


@api.post(_ONE + "/delete")
def delete_content(
    work: Work, tenant: Slug, workspace: Slug, kind: ContentKind, name: ContentName
) -> ContentDetail:  # fmt: skip
    """Delete it with its pods. Runs and models in MLflow stay."""
    return _act(work, tenant, workspace, (kind, name), ContentAction.DELETE)
