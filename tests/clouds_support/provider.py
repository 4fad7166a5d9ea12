"""The provider behind the plugin: the SDK's types decide what is taken, the store what is there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental import provider as pulumi_provider

from infra.clusters import sdk
from infra.providers.plugin.values import (
    has_unknown,
    marked_map,
    plain_map,
    secret_paths,
)
from tests.clouds_support import rules
from tests.clouds_support.store import Entry, Store, Thing


class CloudRefused(Exception):
    """The cloud's refusal, in words like the cloud's own."""


class CloudProvider(pulumi_provider.Provider):
    """One package."""

    def __init__(self, store: Store, package: str) -> None:
        self._store = store
        self._package = package
        self._answers = store.answers()
        self._tags: dict[str, str] = {}
        self.given: dict[str, dict[str, Any]] = {}
        """URN → inputs of the last run, as the engine has them; the SDK's requests leave them out."""

    # Settings

    async def check_config(self, request: pulumi_provider.CheckRequest) -> pulumi_provider.CheckResponse:
        token = f"pulumi:providers:{self._package}"
        given = {key: value for key, value in plain_map(request.new_inputs).items() if key != "version"}
        found = sdk.kind(token)
        data = {key: _structured(value, found.inputs.get(key)) for key, value in given.items()}
        return pulumi_provider.CheckResponse(request.new_inputs, _failures(sdk.wrong_inputs(token, data)))

    async def diff_config(self, request: pulumi_provider.DiffRequest) -> pulumi_provider.DiffResponse:
        changed = _changed(plain_map(request.old_state), plain_map(request.new_inputs))
        return pulumi_provider.DiffResponse(changes=bool(changed), diffs=changed)

    async def configure(self, request: pulumi_provider.ConfigureRequest) -> pulumi_provider.ConfigureResponse:
        default = _structured(plain_map(request.args).get("defaultTags"), dict)
        self._tags = dict((default or {}).get("tags") or {}) if isinstance(default, Mapping) else {}
        return pulumi_provider.ConfigureResponse(accept_secrets=True, supports_preview=True, accept_outputs=False)

    # Resources

    async def check(self, request: pulumi_provider.CheckRequest) -> pulumi_provider.CheckResponse:
        data = plain_map(request.new_inputs)
        try:
            wrong = sdk.wrong_inputs(_token(request), data)
        except LookupError as error:
            raise CloudRefused(str(error)) from error
        named = rules.auto_name(sdk.kind(_token(request)), request.name, data, request.random_seed or b"")
        old = plain_map(request.old_inputs)
        kept = {key: old.get(key, value) for key, value in named.items()}
        return pulumi_provider.CheckResponse({**request.new_inputs, **marked_map(kept)}, _failures(wrong))

    async def diff(self, request: pulumi_provider.DiffRequest) -> pulumi_provider.DiffResponse:
        changed = _changed(self.given.pop(request.urn, {}), plain_map(request.new_inputs))
        replaces = rules.replaces(_token(request), changed)
        kinds = pulumi_provider.PropertyDiffKind
        detail = {
            key: pulumi_provider.PropertyDiff(kinds.UPDATE_REPLACE if key in replaces else kinds.UPDATE, True)
            for key in changed
        }
        return pulumi_provider.DiffResponse(
            changes=bool(changed), replaces=replaces, diffs=changed, detailed_diff=detail
        )

    async def create(self, request: pulumi_provider.CreateRequest) -> pulumi_provider.CreateResponse:
        data, secrets = plain_map(request.properties), secret_paths(request.properties)
        found = sdk.kind(_token(request))
        if request.preview:
            return pulumi_provider.CreateResponse(properties=marked_map(rules.planned(found, data), secrets))
        if has_unknown(data):
            raise CloudRefused(f"{_token(request)} {request.name}: a value is not known when it must be")
        late = await self._trouble("create", _token(request))
        known = self._known(_token(request), request.name, data)
        identity = str(known.pop("id", "") or rules.made_up_id(_token(request), request.name, data, request.urn))
        if rules.is_name(_token(request), identity, data) and self._store.find(_token(request), identity):
            raise CloudRefused(f"AlreadyExists: {_token(request)} {identity} is there already")
        while self._store.find(_token(request), identity):
            identity += "x"
        outputs = rules.outputs(found, request.name, data, known)
        self._store.put(Thing(_token(request), identity, request.name, data, outputs))
        self._store.note(Entry("create", _token(request), request.name, identity))
        await asyncio.sleep(late)
        return pulumi_provider.CreateResponse(identity, marked_map(outputs, secrets))

    async def update(self, request: pulumi_provider.UpdateRequest) -> pulumi_provider.UpdateResponse:
        token, data, secrets = _token(request), plain_map(request.news), secret_paths(request.news)
        there = self._store.find(token, request.resource_id)
        given = there.inputs if there else {}
        computed = {key: value for key, value in plain_map(request.olds).items() if key not in (*data, *given)}
        if request.preview:
            planned = rules.planned(sdk.kind(token), data)
            return pulumi_provider.UpdateResponse(marked_map({**planned, **computed}, secrets))
        late = await self._trouble("update", token)
        if there is None:
            raise CloudRefused(f"NotFound: {token} {request.resource_id} does not exist")
        outputs = {**computed, **data, **self._known(token, request.name, data)}
        outputs.pop("id", None)
        self._store.put(Thing(token, there.id, request.name, data, outputs))
        self._store.note(Entry("update", token, request.name, there.id, _changed(given, data)))
        await asyncio.sleep(late)
        return pulumi_provider.UpdateResponse(marked_map(outputs, secrets))

    async def read(self, request: pulumi_provider.ReadRequest) -> pulumi_provider.ReadResponse:
        await self._trouble("read", _token(request))
        there = self._store.find(_token(request), request.resource_id)
        if there is None:
            return pulumi_provider.ReadResponse()
        secrets = secret_paths(request.properties) | secret_paths(request.inputs)
        outputs, inputs = marked_map(there.outputs, secrets), marked_map(there.inputs, secrets)
        return pulumi_provider.ReadResponse(there.id, outputs, inputs)

    async def delete(self, request: pulumi_provider.DeleteRequest) -> None:
        late = await self._trouble("delete", _token(request))
        there = self._store.find(_token(request), request.resource_id)
        if there is None:
            return
        if kept := rules.protected(there.inputs):
            raise CloudRefused(f"{_token(request)} {there.id} can't be deleted while {kept} is on")
        users = rules.users(there, self._store.things())
        if users:
            raise CloudRefused(f"DependencyViolation: {there.kind} {there.id} is used by {users[0].kind} {users[0].id}")
        self._store.drop(there.kind, there.id)
        self._store.note(Entry("delete", there.kind, there.name, there.id))
        await asyncio.sleep(late)

    async def invoke(self, request: pulumi_provider.InvokeRequest) -> pulumi_provider.InvokeResponse:
        if self._answers is None:
            raise CloudRefused(f"there is no answer to {request.tok}")
        try:
            found = self._answers.call(request.tok, plain_map(request.args))
        except LookupError as error:
            raise CloudRefused(str(error)) from error
        return pulumi_provider.InvokeResponse(marked_map(found))

    # How

    def _known(self, token: str, name: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """Outputs that are not made by type; `id` may be among them."""
        known = dict(self._answers.resource(token, name, data)) if self._answers else {}
        if "tagsAll" in sdk.kind(token).outputs:
            known["tagsAll"] = {**self._tags, **(data.get("tags") or {})}
        return known

    async def _trouble(self, operation: str, kind: str) -> float:
        """Shows the fault that is due. Gives the seconds that the answer shall be late."""
        fault = self._store.fault(operation, kind)
        if fault is None:
            return 0.0
        if not fault.after:
            await asyncio.sleep(fault.seconds)
        if fault.message:
            raise CloudRefused(fault.message)
        return fault.seconds if fault.after else 0.0


def _token(request: Any) -> str:
    """The type alone; a child's comes with its parents' before it."""
    return str(request.type).rpartition("$")[2]


def _failures(wrong: tuple[sdk.Wrong, ...]) -> list[pulumi_provider.CheckFailure]:
    return [pulumi_provider.CheckFailure(each.path, each.reason) for each in wrong]


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in {*old, *new} if old.get(key) != new.get(key))


def _structured(value: Any, expected: Any) -> Any:
    """A provider's settings come as text: everything but strings as JSON."""
    if isinstance(value, str) and expected is not str:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
