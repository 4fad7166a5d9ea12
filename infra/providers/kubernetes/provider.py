"""Answers the engine's questions about Kubernetes objects: check, diff, create, read, update, delete."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from pulumi.provider.experimental import provider as pulumi_provider
from pulumi.provider.experimental.property_value import PropertyValue

from infra.providers.kubernetes import rules
from infra.providers.kubernetes.client import PATIENCE, Client, Kind, load_kubeconfig
from infra.providers.kubernetes.errors import (
    ApiError,
    ConfigInvalid,
    KindUnknown,
    NamespaceEnding,
    NotFound,
    NotReady,
    PluginError,
    Unreachable,
)
from infra.providers.kubernetes.paths import show
from infra.providers.kubernetes.waits import Wait, until_gone, until_ready
from infra.providers.plugin.model import InitFailed, Log
from infra.providers.plugin.values import (
    UNKNOWN,
    Path,
    Properties,
    has_unknown,
    marked_map,
    plain_map,
    secret_paths,
)

Obj = dict[str, Any]

FIELD_MANAGER = "mlp-installer"
DEFAULT_TIMEOUT = 600.0
"""Seconds to become ready, or to go, unless the object or its options say otherwise."""

_MISORDERED_TRIES = 6
_MISORDERED_PAUSE = 0.5
"""Seconds, doubled at each try: a namespace or a CRD that is being made beside the object is waited for, and a
namespace that ends before it is made again."""

_SETTINGS = frozenset(
    {
        "cluster",
        "clusterIdentifier",
        "context",
        "enableConfigMapMutable",
        "enablePatchForce",
        "enableSecretMutable",
        "enableServerSideApply",
        "kubeClientSettings",
        "kubeconfig",
        "namespace",
        "pluginDownloadURL",
        "suppressDeprecationWarnings",
        "suppressHelmHookWarnings",
        "upsertExistingObjects",
        "version",
    }
)
_KIND = {
    ("add", False): pulumi_provider.PropertyDiffKind.ADD,
    ("add", True): pulumi_provider.PropertyDiffKind.ADD_REPLACE,
    ("delete", False): pulumi_provider.PropertyDiffKind.DELETE,
    ("delete", True): pulumi_provider.PropertyDiffKind.DELETE_REPLACE,
    ("update", False): pulumi_provider.PropertyDiffKind.UPDATE,
    ("update", True): pulumi_provider.PropertyDiffKind.UPDATE_REPLACE,
}


@dataclass(frozen=True)
class Settings:
    """The provider's settings in use."""

    namespace: str | None = None
    patch_force: bool = False


class KubernetesProvider(pulumi_provider.Provider):
    """One configured provider. Objects that were made or adopted in this run are remembered by uid, so that a
    resource that was renamed in the program (made under its new name, then deleted under the old) keeps its object."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._settings = Settings()
        self._client: Client | None = None
        self._no_client = "the provider was used before it was configured"
        self._silent = False
        self._cancelled = asyncio.Event()
        self._owners: dict[str, str] = {}

    # Settings

    async def check_config(self, request: pulumi_provider.CheckRequest) -> pulumi_provider.CheckResponse:
        """Refuses settings that the official plugin does not know, and those that would need another apply mode."""
        inputs = request.new_inputs
        failures = [
            pulumi_provider.CheckFailure(name, f"{name} is not a setting of the Kubernetes provider that is offered")
            for name in inputs
            if name not in _SETTINGS and not name.startswith("__")
        ]
        if "enableServerSideApply" in inputs and not _flag(inputs["enableServerSideApply"], default=True):
            failures.append(
                pulumi_provider.CheckFailure("enableServerSideApply", "objects are applied server-side only")
            )
        return pulumi_provider.CheckResponse(inputs, failures)

    async def diff_config(self, request: pulumi_provider.DiffRequest) -> pulumi_provider.DiffResponse:
        """A changed `clusterIdentifier` means another cluster: everything is replaced. All else is an update, since
        the same cluster may well be reached by another address or credential."""
        olds, news = request.old_state, request.new_inputs
        changed = [name for name in sorted({*olds, *news}) if name in _SETTINGS and olds.get(name) != news.get(name)]
        replaces = [name for name in changed if name == "clusterIdentifier" and olds.get(name) is not None]
        return pulumi_provider.DiffResponse(changes=bool(changed), replaces=replaces, diffs=changed)

    async def configure(self, request: pulumi_provider.ConfigureRequest) -> pulumi_provider.ConfigureResponse:
        """Connects lazily: nothing is asked of the cluster until an object needs it."""
        args = request.args
        own = None
        try:
            config = await asyncio.to_thread(load_kubeconfig, _text(args, "kubeconfig"), _text(args, "context"))
            self._client = Client(config, _patience(args.get("kubeClientSettings")))
            own = config.context.namespace
        except ConfigInvalid as error:
            # A preview may run before the cluster and its kubeconfig are there; everything else says why it can't.
            self._no_client = str(error)
        self._settings = Settings(
            namespace=_text(args, "namespace") or own,
            patch_force=_flag(args.get("enablePatchForce"), default=False),
        )
        return pulumi_provider.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def cancel(self) -> None:
        """Ends all waits; what was written stays and is reported as not ready."""
        self._cancelled.set()

    # Objects

    async def check(self, request: pulumi_provider.CheckRequest) -> pulumi_provider.CheckResponse:
        """The inputs completed: type, name, namespace."""
        try:
            obj = plain_map(request.new_inputs)
            old = plain_map(request.old_inputs) if request.old_inputs else None
            full = rules.complete(
                obj,
                old,
                resource_name=request.name,
                seed=request.random_seed or request.urn.encode(),
                token=request.type,
                namespace=self._settings.namespace,
            )
        except (TypeError, ValueError) as error:
            return pulumi_provider.CheckResponse(request.new_inputs, [pulumi_provider.CheckFailure("", str(error))])
        full = await self._without_misplaced_namespace(full, obj)
        secrets = rules.object_secrets(full, secret_paths(request.new_inputs))
        return pulumi_provider.CheckResponse(marked_map(full, secrets), _failures(full, request.type))

    async def diff(self, request: pulumi_provider.DiffRequest) -> pulumi_provider.DiffResponse:
        """Compares with the last inputs (`request.old_state` holds them here, see server.py)."""
        old, new = plain_map(request.old_state), plain_map(request.new_inputs)
        found = [each for each in rules.compare(old, new) if not _ignored(each.path, request.ignore_changes)]
        return pulumi_provider.DiffResponse(
            changes=bool(found),
            replaces=[show(each.path) for each in found if each.replaces],
            diffs=[show(each.path) for each in found],
            delete_before_replace=rules.same_place(old, new),
            detailed_diff={
                show(each.path): pulumi_provider.PropertyDiff(_KIND[each.kind, each.replaces], input_diff=True)
                for each in found
            },
        )

    async def create(self, request: pulumi_provider.CreateRequest) -> pulumi_provider.CreateResponse:
        """Applies and waits. An object that is already there is taken over."""
        inputs = plain_map(request.properties)
        if request.preview:
            return pulumi_provider.CreateResponse(
                "", await self._preview(request.urn, inputs, request.properties, created=True)
            )
        obj, properties = await self._write(request.urn, inputs, request.properties, request.timeout)
        return pulumi_provider.CreateResponse(rules.object_id(obj), properties)

    async def update(self, request: pulumi_provider.UpdateRequest) -> pulumi_provider.UpdateResponse:
        """The same again; fields that are no longer in the inputs go, because we are their only manager."""
        inputs = plain_map(request.news)
        if request.preview:
            return pulumi_provider.UpdateResponse(await self._preview(request.urn, inputs, request.news, created=False))
        _, properties = await self._write(request.urn, inputs, request.news, request.timeout)
        return pulumi_provider.UpdateResponse(properties)

    async def read(self, request: pulumi_provider.ReadRequest) -> pulumi_provider.ReadResponse:
        """What is there now. An empty id says that it is gone, and only a cluster that answers may say so."""
        namespace, _, name = request.resource_id.rpartition("/")
        api_version, kind_name = rules.type_of(request.type)
        inputs = plain_map(request.inputs)
        api_version = str(inputs.get("apiVersion") or api_version)
        try:
            kind = await self._connected().kind(api_version, kind_name)
            obj = await self._connected().get(kind, namespace or self._settings.namespace, name)
        except KindUnknown:
            obj = None
        if obj is None:
            return pulumi_provider.ReadResponse("", {}, {})
        known = inputs or _importable(obj)
        seen = rules.seen_as_inputs(known, obj)
        secrets = rules.object_secrets(seen, secret_paths(request.inputs))
        return pulumi_provider.ReadResponse(rules.object_id(obj), _outputs(obj, secrets), marked_map(seen, secrets))

    async def delete(self, request: pulumi_provider.DeleteRequest) -> None:
        """Deletes and waits until it is gone. Gone already, or a kind that is gone, is done."""
        obj = plain_map(request.properties)
        namespace, _, name = request.resource_id.rpartition("/")
        try:
            kind = await self._connected().kind(str(obj["apiVersion"]), str(obj["kind"]))
        except KindUnknown:
            return
        uid = str(obj.get("metadata", {}).get("uid") or "")
        if self._owners.get(uid, request.urn) != request.urn:
            await self._log(request.urn, "info", "kept: another resource of the program has taken it over", False)
            return
        current = await self._connected().get(kind, namespace or None, name)
        if current is None:
            return
        await self._connected().delete(kind, namespace or None, name, rules.propagation(obj))
        await until_gone(self._wait(kind, request.urn, request.timeout, obj), current)

    # How

    def _connected(self) -> Client:
        if self._client is None:
            raise ConfigInvalid(self._no_client)
        return self._client

    def _wait(self, kind: Kind, urn: str, timeout: float, obj: Obj) -> Wait:
        async def say(text: str) -> None:
            await self._log(urn, "info", text, True)

        seconds = rules.timeout_seconds(timeout, obj, DEFAULT_TIMEOUT)
        return Wait(self._connected(), kind, seconds, self._cancelled, say)

    async def _without_misplaced_namespace(self, full: Obj, given: Obj) -> Obj:
        """Takes off a namespace that only came from the provider's settings where the kind has none."""
        metadata = full.get("metadata")
        if not isinstance(metadata, dict) or given.get("metadata", {}).get("namespace") or "namespace" not in metadata:
            return full
        try:
            kind = await self._connected().kind(str(full["apiVersion"]), str(full["kind"]))
        except PluginError:
            return full
        if kind.namespaced:
            return full
        return {**full, "metadata": {key: value for key, value in metadata.items() if key != "namespace"}}

    async def _preview(self, urn: str, inputs: Obj, given: Properties, *, created: bool) -> Properties:
        """A dry run where the cluster can tell; else the inputs, since what they need may not be there yet."""
        if has_unknown(inputs) or self._silent:
            return given
        try:
            kind = await self._connected().kind(str(inputs["apiVersion"]), str(inputs["kind"]))
            obj, _ = await self._apply(kind, inputs, dry_run=True)
        except (KindUnknown, NotFound):
            return given
        except (Unreachable, ConfigInvalid) as error:
            self._silent = True
            await self._log(urn, "warning", f"previewed without asking the cluster: {error}", False)
            return given
        except ApiError as error:
            # Immutable fields are a replacement's business; a webhook may refuse dry runs; rights may lack.
            if error.status == 409 and error.reason == "Conflict":
                raise
            if error.status in {400, 403, 409, 422}:
                await self._log(urn, "debug", f"no dry run: {error}", False)
                return given
            raise
        return _outputs(_dry(obj, created=created), rules.object_secrets(inputs, secret_paths(given)))

    async def _apply(self, kind: Kind, inputs: Obj, *, dry_run: bool = False) -> tuple[Obj, tuple[str, ...]]:
        annotations = rules.annotations_of(inputs)
        force = self._settings.patch_force or annotations.get(rules.PATCH_FORCE) == "true"
        manager = str(annotations.get(rules.PATCH_FIELD_MANAGER) or FIELD_MANAGER)
        obj = inputs
        if kind.namespaced and not inputs["metadata"].get("namespace"):
            obj = {**inputs, "metadata": {**inputs["metadata"], "namespace": "default"}}
        return await self._connected().apply(kind, obj, manager, force=force, dry_run=dry_run)

    async def _write(self, urn: str, inputs: Obj, given: Properties, timeout: float) -> tuple[Obj, Properties]:
        kind, obj = await self._apply_in_order(urn, inputs)
        while obj["metadata"].get("deletionTimestamp"):
            # An earlier object of the name is on its way out; what was applied to it goes with it.
            await until_gone(self._wait(kind, urn, timeout, inputs), obj)
            kind, obj = await self._apply_in_order(urn, inputs)
        self._owners[str(obj["metadata"]["uid"])] = urn
        secrets = rules.object_secrets(inputs, secret_paths(given))
        if rules.annotations_of(inputs).get(rules.SKIP_AWAIT) != "true":
            try:
                obj = await until_ready(self._wait(kind, urn, timeout, inputs), obj)
            except NotReady as error:
                latest = await self._connected().get(kind, obj["metadata"].get("namespace"), obj["metadata"]["name"])
                obj = latest or obj
                raise InitFailed(rules.object_id(obj), _outputs(obj, secrets), given, str(error)) from error
        return obj, _outputs(obj, secrets)

    async def _apply_in_order(self, urn: str, inputs: Obj) -> tuple[Kind, Obj]:
        """Applies; what must come first (namespace, CRD) may still be on its way, so its lack is waited out a while."""
        pause = _MISORDERED_PAUSE
        for attempt in range(_MISORDERED_TRIES):
            try:
                kind = await self._connected().kind(str(inputs["apiVersion"]), str(inputs["kind"]))
                obj, warnings = await self._apply(kind, inputs)
            except (KindUnknown, NotFound, NamespaceEnding) as error:
                if attempt == _MISORDERED_TRIES - 1 or self._cancelled.is_set():
                    raise
                await self._log(urn, "info", f"{error}; trying again", True)
                await asyncio.sleep(pause)
                pause *= 2
                continue
            for warning in warnings:
                await self._log(urn, "warning", warning, False)
            return kind, obj
        raise AssertionError("unreachable")


def _outputs(obj: Obj, secrets: frozenset[Path]) -> Properties:
    """What the state keeps: the object as it is, without the bookkeeping of field managers and, for a kind's
    definition, without its schemas: they are most of a state, its inputs have them, and no program asks for them."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    kept = {**obj, "metadata": metadata}
    if obj.get("kind") == "CustomResourceDefinition":
        kept["spec"] = {key: value for key, value in obj.get("spec", {}).items() if key != "versions"}
    return marked_map(kept, rules.object_secrets(obj, secrets))


def _dry(obj: Obj, *, created: bool) -> Obj:
    """A dry run's answer without what only a real write will tell."""
    unknown = ("uid", "resourceVersion", "creationTimestamp") if created else ("resourceVersion",)
    metadata = {key: UNKNOWN if key in unknown else value for key, value in obj["metadata"].items()}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _importable(obj: Obj) -> Obj:
    """Inputs for an object that was not made here: what a person would have written."""
    metadata = {
        key: obj["metadata"][key] for key in ("name", "namespace", "labels", "annotations") if key in obj["metadata"]
    }
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _failures(full: Obj, token: str) -> list[pulumi_provider.CheckFailure]:
    api_version, kind = rules.type_of(token)
    failures = []
    if full.get("kind") != kind:
        failures.append(
            pulumi_provider.CheckFailure("kind", f"is {full.get('kind')}, but the resource type says {kind}")
        )
    if full.get("apiVersion") != api_version:
        failures.append(
            pulumi_provider.CheckFailure(
                "apiVersion", f"is {full.get('apiVersion')}, but the resource type says {api_version}"
            )
        )
    if not isinstance(full.get("metadata"), dict) and not has_unknown(full.get("metadata")):
        failures.append(pulumi_provider.CheckFailure("metadata", "must be an object"))
    elif isinstance(full.get("metadata"), dict) and "generateName" in full["metadata"]:
        failures.append(
            pulumi_provider.CheckFailure(
                "metadata.generateName", "server-side apply needs a name; leave both out and one is generated and kept"
            )
        )
    return failures


def _ignored(path: Path, ignore_changes: list[str]) -> bool:
    shown = show(path)
    return any(shown == each or shown.startswith((f"{each}.", f"{each}[")) for each in ignore_changes)


def _text(args: Properties, name: str) -> str | None:
    value = args.get(name)
    content = value.value if value is not None else None
    if content is None or content == "":
        return None
    return content if isinstance(content, str) else json.dumps(_plain(value))


def _plain(value: PropertyValue | None) -> Any:
    return plain_map({"value": value})["value"] if value is not None else None


def _patience(settings: PropertyValue | None) -> float:
    """`kubeClientSettings.timeout`, in seconds; the engine hands nested settings on as JSON text."""
    found = _plain(settings)
    if isinstance(found, str):
        found = json.loads(found)
    timeout = found.get("timeout") if isinstance(found, dict) else None
    return float(timeout) if timeout else PATIENCE


def _flag(value: PropertyValue | None, *, default: bool) -> bool:
    """Provider settings come as booleans or, through the engine's configuration, as text."""
    content = value.value if value is not None else None
    return default if content is None else content is True or content == "true"
