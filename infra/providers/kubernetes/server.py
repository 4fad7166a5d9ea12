"""Serves the provider to the engine over gRPC.

The SDK's servicer lacks three things that matter here and are added: errors in plain words instead of Python's, the
"exists but is not ready" answer that makes the engine keep an object, and the last inputs for a diff.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
from google.protobuf import any_pb2  # type: ignore[import-untyped]
from pulumi.provider.experimental import provider as pulumi_provider
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from infra.providers.kubernetes import PLUGIN_VERSION
from infra.providers.kubernetes.errors import PluginError
from infra.providers.kubernetes.provider import InitFailed, KubernetesProvider

_MESSAGE_BYTES = 400 * 1024 * 1024
_OPTIONS = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
_SEVERITY = {
    "debug": engine_pb2.DEBUG,
    "info": engine_pb2.INFO,
    "warning": engine_pb2.WARNING,
    "error": engine_pb2.ERROR,
}


class EngineLog:
    """Shows texts at resources in the engine's progress display; never fails an operation."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stub: Any = None

    async def __call__(self, urn: str, severity: str, text: str, ephemeral: bool) -> None:
        if self._stub is None:
            self._stub = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(self._address, _OPTIONS))
        request = engine_pb2.LogRequest(urn=urn, severity=_SEVERITY[severity], message=text, ephemeral=ephemeral)
        try:
            await self._stub.Log(request, timeout=5)
        except grpc.aio.AioRpcError:
            return


class Servicer(ProviderServicer):
    """The SDK's servicer with the additions named above."""

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await _answered(context, super().Create(request, context))  # type: ignore[no-untyped-call]

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _answered(context, super().Update(request, context))  # type: ignore[no-untyped-call]

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _answered(context, super().Delete(request, context))  # type: ignore[no-untyped-call]

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _answered(context, super().Read(request, context))  # type: ignore[no-untyped-call]

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _answered(context, super().Check(request, context))

    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await _answered(context, super().Configure(request, context))

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        if len(request.old_inputs.fields):
            # Old inputs are what must be compared; the SDK hands on only the old outputs.
            request.olds.CopyFrom(request.old_inputs)
        return await _answered(context, super().Diff(request, context))

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


async def _answered(context: Any, work: Awaitable[Any]) -> Any:
    try:
        return await work
    except InitFailed as failed:
        detail = provider_pb2.ErrorResourceInitFailed(
            id=failed.resource_id,
            properties=PropertyValue.marshal_map(failed.properties),
            inputs=PropertyValue.marshal_map(failed.inputs),
            reasons=failed.reasons,
        )
        packed = any_pb2.Any()
        packed.Pack(detail)
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(failed), details=[packed])
        metadata = (("grpc-status-details-bin", status.SerializeToString()),)
        await context.abort(grpc.StatusCode.UNKNOWN, str(failed), metadata)
    except PluginError as error:
        await context.abort(grpc.StatusCode.UNKNOWN, str(error))
    raise AssertionError("abort raises")


def main() -> None:
    """Serves until the engine ends us, or is gone."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    parser = argparse.ArgumentParser(description="Pulumi provider plugin for Kubernetes; started by the engine.")
    parser.add_argument("engine", help="address of the engine")
    engine_address: str = parser.parse_known_args()[0].engine
    _run(lambda: _serve(engine_address))


def _run(serve: Callable[[], Any]) -> None:
    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        os._exit(0)


async def _serve(engine_address: str) -> None:
    server = grpc.aio.server(options=_OPTIONS)
    provider = KubernetesProvider(EngineLog(engine_address))
    servicer = Servicer([], PLUGIN_VERSION, provider, engine_address=engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()
