"""Serves a provider to the engine over gRPC, with errors in plain words and "exists, but not ready" answers."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
from google.protobuf import any_pb2
from pulumi.provider.experimental import provider as pulumi_provider
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from infra.hosts import syscalls
from infra.providers.plugin.model import InitFailed, Log

_MESSAGE_BYTES = 400 * 1024 * 1024
_OPTIONS = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
_SEVERITY = {
    "debug": engine_pb2.DEBUG,
    "info": engine_pb2.INFO,
    "warning": engine_pb2.WARNING,
    "error": engine_pb2.ERROR,
}


class EngineLog:
    """A `Log` that the engine shows; never fails an operation."""

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
    """The SDK's servicer, which would show Python's classes in errors and forget what a failed creation left."""

    expected: ClassVar[tuple[type[Exception], ...]] = ()
    """Errors whose text is for the operator as it is."""

    async def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        return await self._answered(context, super().Configure(request, context))

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answered(context, super().Check(request, context))

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answered(context, super().Diff(request, context))

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answered(context, super().Create(request, context))  # type: ignore[no-untyped-call]

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answered(context, super().Update(request, context))  # type: ignore[no-untyped-call]

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answered(context, super().Read(request, context))  # type: ignore[no-untyped-call]

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        return await self._answered(context, super().Delete(request, context))  # type: ignore[no-untyped-call]

    async def _answered(self, context: Any, work: Awaitable[Any]) -> Any:
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
        except self.expected as error:
            await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        raise AssertionError("abort raises")


def serve(version: str, servicer: type[Servicer], provider: Callable[[Log], pulumi_provider.Provider]) -> None:
    """The plugin's process: serves until the engine, whose address is the first argument, ends it or is gone."""
    syscalls.die_with_parent()
    parser = argparse.ArgumentParser(description="Pulumi provider plugin; started by the engine.")
    parser.add_argument("engine", help="address of the engine")
    address: str = parser.parse_known_args()[0].engine

    async def run() -> None:
        server = grpc.aio.server(options=_OPTIONS)
        answers = servicer([], version, provider(EngineLog(address)), engine_address=address)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(answers, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await server.wait_for_termination()

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        os._exit(0)
