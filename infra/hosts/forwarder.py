"""A TCP forwarder that runs inside a host's network namespace and serves sockets opened outside of it.

It is handed listening descriptors; a connection goes to the first target that accepts. Each side's end of stream is
passed on by itself (half-close). Buffers are bounded: a slow reader slows its writer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import Sequence

from infra.hosts import syscalls

CHUNK = 64 * 1024
CONNECT_SECONDS = 3.0
BACKLOG = 256

Target = tuple[str, int]


class Targets:
    """Where connections go. The one that accepted last is tried first, so a dead one costs its wait only once."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._order = list(targets)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """A connection to the first target that accepts one, or None."""
        for target in tuple(self._order):
            with contextlib.suppress(OSError, TimeoutError):
                opened = await asyncio.wait_for(asyncio.open_connection(*target, limit=CHUNK), CONNECT_SECONDS)
                self._order.sort(key=lambda other: other != target)
                return opened
        return None


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies until the end of the stream and passes the end on."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, targets: Targets) -> None:
    """One connection from its begin to its end. A broken side closes both."""
    inner = None
    try:
        inner = await targets.connect()
        if inner is not None:
            async with asyncio.TaskGroup() as group:
                group.create_task(pump(reader, inner[1]))
                group.create_task(pump(inner[0], writer))
    except* OSError:
        _reset(writer, inner)
    finally:
        for side in (writer, *([inner[1]] if inner else [])):
            side.close()
            with contextlib.suppress(OSError):
                await side.wait_closed()


def _reset(writer: asyncio.StreamWriter, inner: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None) -> None:
    """Ends both sides at once: what one of them lost must not look complete to the other."""
    for side in (writer, *([inner[1]] if inner else [])):
        side.transport.abort()


async def serve(listener: socket.socket, targets: Sequence[Target]) -> asyncio.Server:
    """Starts to accept on a listening socket."""
    known = Targets(targets)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve_one(reader, writer, known)

    return await asyncio.start_server(handle, sock=listener, limit=CHUNK, backlog=BACKLOG)


async def _main(plan: Sequence[tuple[int, Sequence[Target]]]) -> None:
    servers = [await serve(socket.socket(fileno=descriptor), targets) for descriptor, targets in plan]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main() -> None:
    """`python -m infra.hosts.forwarder '[[<descriptor>, [["<address>", <port>], ...]], ...]'`."""
    syscalls.die_with_parent()
    plan = [
        (int(descriptor), [(str(address), int(port)) for address, port in targets])
        for descriptor, targets in json.loads(sys.argv[1])
    ]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(plan))


if __name__ == "__main__":
    main()
