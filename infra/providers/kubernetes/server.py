"""Serves the provider to the engine, with the last inputs for a diff."""

from __future__ import annotations

from typing import Any, ClassVar

from pulumi.provider.experimental import provider as pulumi_provider
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.proto import provider_pb2

from infra.providers.kubernetes import PLUGIN_VERSION
from infra.providers.kubernetes.errors import PluginError
from infra.providers.kubernetes.provider import KubernetesProvider
from infra.providers.plugin.server import Servicer, serve


class KubernetesServicer(Servicer):
    """Compares inputs with inputs, and answers for changed settings of the provider, which the SDK does not."""

    expected: ClassVar[tuple[type[Exception], ...]] = (PluginError,)

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        if len(request.old_inputs.fields):
            # Old inputs are what must be compared; the SDK hands on only the old outputs.
            request.olds.CopyFrom(request.old_inputs)
        return await super().Diff(request, context)

    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        response = await self._provider.diff_config(
            pulumi_provider.DiffRequest(
                request.urn,
                request.id,
                PropertyValue.unmarshal_map(request.old_inputs or request.olds),
                PropertyValue.unmarshal_map(request.news),
                list(request.ignoreChanges),
            )
        )
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if response.changes else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=response.replaces,
            diffs=response.diffs,
        )


def main() -> None:
    """Serves until the engine ends this process, or is gone."""
    serve(PLUGIN_VERSION, KubernetesServicer, KubernetesProvider)
