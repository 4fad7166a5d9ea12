"""The provider: checks, diffs and dispatches; the resources do the work in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental import provider as pulumi_provider
from pydantic import ValidationError

from infra.hosts.errors import HostError
from infra.providers.hosts.control_plane import ControlPlane
from infra.providers.hosts.host import Host
from infra.providers.hosts.host_images import HostImages
from infra.providers.hosts.machine import Machine
from infra.providers.hosts.node import Node
from infra.providers.hosts.resource import LIVE, Resource, Say
from infra.providers.plugin.model import InitFailed, Log
from infra.providers.plugin.values import UNKNOWN, Path, Properties, has_unknown, marked_map, plain_map

RESOURCES: Mapping[str, Resource[Any]] = {
    resource.kind: resource for resource in (Host(), Machine(), HostImages(), ControlPlane(), Node())
}


def differences(resource: Resource[Any], old: dict[str, Any], new: dict[str, Any]) -> tuple[list[str], list[str]]:
    """(inputs that differ, those of them that need a new resource)."""
    keys = sorted(_input_names(resource))
    changed = [key for key in keys if old.get(key) != new.get(key)]
    return changed, [key for key in changed if key in resource.replaces]


def _input_names(resource: Resource[Any]) -> set[str]:
    return {str(field.alias) for field in resource.inputs.model_fields.values()}


class HostsProvider(pulumi_provider.Provider):
    """Serves the resources. Preview changes and asks nothing of hosts but whether they work."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def check(self, request: pulumi_provider.CheckRequest) -> pulumi_provider.CheckResponse:
        resource = _resource(request.type)
        data = plain_map(request.new_inputs)
        if has_unknown(data):
            return pulumi_provider.CheckResponse(inputs=request.new_inputs)
        try:
            inputs = resource.inputs.model_validate(data)
        except ValidationError as error:
            failures = [
                pulumi_provider.CheckFailure(".".join(map(str, item["loc"])), f"{item['msg']} (got {item['input']!r})")
                for item in error.errors()
            ]
            return pulumi_provider.CheckResponse(inputs=request.new_inputs, failures=failures)
        return pulumi_provider.CheckResponse(inputs=marked_map(inputs.properties()))

    async def diff(self, request: pulumi_provider.DiffRequest) -> pulumi_provider.DiffResponse:
        resource = _resource(request.type)
        old, new = plain_map(request.old_state), plain_map(request.new_inputs)
        changed, replaces = differences(resource, old, new)
        if not changed and not has_unknown(new):
            inputs = resource.inputs.model_validate(new)
            if not old.get(LIVE, False) or not await asyncio.to_thread(resource.live, inputs):
                changed = [LIVE]
        return pulumi_provider.DiffResponse(
            changes=bool(changed),
            replaces=replaces,
            diffs=changed,
            delete_before_replace=True,
            detailed_diff={key: _detail(key, old, new, replaces) for key in changed},
        )

    async def create(self, request: pulumi_provider.CreateRequest) -> pulumi_provider.CreateResponse:
        resource = _resource(request.type)
        data = plain_map(request.properties)
        if request.preview:
            return pulumi_provider.CreateResponse(properties=_planned(resource, data))
        inputs = resource.inputs.model_validate(data)
        identity = resource.identity(inputs)
        try:
            outputs = await asyncio.to_thread(resource.create, inputs, self._say(request.urn))
        except HostError as error:
            if not await asyncio.to_thread(resource.partial, inputs):
                raise
            given = marked_map(inputs.properties())
            raise InitFailed(identity, {**given, **marked_map({LIVE: False})}, given, str(error)) from error
        return pulumi_provider.CreateResponse(identity, _state(resource, data, outputs))

    async def update(self, request: pulumi_provider.UpdateRequest) -> pulumi_provider.UpdateResponse:
        resource = _resource(request.type)
        old, data = plain_map(request.olds), plain_map(request.news)
        if request.preview:
            kept = {key: old[key] for key in resource.outputs if key in old}
            return pulumi_provider.UpdateResponse(_state(resource, data, kept))
        inputs = resource.inputs.model_validate(data)
        outputs = await asyncio.to_thread(resource.update, inputs, old, self._say(request.urn))
        return pulumi_provider.UpdateResponse(_state(resource, data, outputs))

    async def read(self, request: pulumi_provider.ReadRequest) -> pulumi_provider.ReadResponse:
        resource = _resource(request.type)
        state = plain_map(request.properties)
        names = _input_names(resource)
        data = {key: value for key, value in {**state, **plain_map(request.inputs)}.items() if key in names}
        if not data:
            raise HostError(f"{resource.kind} cannot be imported: it is made by `platform up`")
        inputs = resource.inputs.model_validate(data)
        old = {key: state[key] for key in resource.outputs if key in state}
        outputs = await asyncio.to_thread(resource.read, inputs, old)
        if outputs is None:
            return pulumi_provider.ReadResponse()
        given = marked_map(inputs.properties())
        return pulumi_provider.ReadResponse(request.resource_id, _state(resource, data, outputs), given)

    async def delete(self, request: pulumi_provider.DeleteRequest) -> None:
        resource = _resource(request.type)
        state = plain_map(request.properties)
        names = _input_names(resource)
        inputs = resource.inputs.model_validate({key: value for key, value in state.items() if key in names})
        await asyncio.to_thread(resource.delete, inputs, state, self._say(request.urn))

    def _say(self, urn: str) -> Say:
        loop = asyncio.get_running_loop()

        async def show(text: str) -> None:
            await self._log(urn, "info", text, True)

        def say(text: str) -> None:
            asyncio.run_coroutine_threadsafe(show(text), loop)

        return say


def _resource(kind: str) -> Resource[Any]:
    try:
        return RESOURCES[kind]
    except KeyError:
        raise HostError(f"this plugin has no resource {kind}; it has {', '.join(RESOURCES)}") from None


def _state(resource: Resource[Any], inputs: dict[str, Any], outputs: dict[str, Any]) -> Properties:
    return marked_map({**inputs, **outputs}, _secrets(resource))


def _planned(resource: Resource[Any], inputs: dict[str, Any]) -> Properties:
    return marked_map({**inputs, **dict.fromkeys(resource.outputs, UNKNOWN)}, _secrets(resource))


def _secrets(resource: Resource[Any]) -> frozenset[Path]:
    return frozenset((name,) for name in resource.secret)


def _detail(key: str, old: dict[str, Any], new: dict[str, Any], replaces: list[str]) -> pulumi_provider.PropertyDiff:
    kinds = pulumi_provider.PropertyDiffKind
    if key in replaces:
        kind = kinds.UPDATE_REPLACE
    elif key == LIVE:
        return pulumi_provider.PropertyDiff(kinds.UPDATE, input_diff=False)
    else:
        kind = kinds.ADD if key not in old else kinds.DELETE if key not in new else kinds.UPDATE
    return pulumi_provider.PropertyDiff(kind, input_diff=True)
