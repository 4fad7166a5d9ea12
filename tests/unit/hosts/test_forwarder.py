"""The forwarder's copying, over socket pairs."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from infra.hosts import forwarder
from infra.hosts.forwarder import Targets, serve_one

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Wired(Targets):
    """Leads to one end of a socket pair, or nowhere."""

    def __init__(self, inner: Stream | None) -> None:
        super().__init__([])
        self._inner = inner

    async def connect(self) -> Stream | None:
        return self._inner


async def _pair() -> tuple[Stream, socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    return await asyncio.open_connection(sock=ours), theirs


def _with_both_ends(
    talk: Callable[[socket.socket, socket.socket, asyncio.Task[None]], Awaitable[None]],
) -> None:
    async def run() -> None:
        outer, client = await _pair()
        inner, server = await _pair()
        served = asyncio.create_task(serve_one(*outer, Wired(inner)))
        try:
            await talk(client, server, served)
            await asyncio.wait_for(served, 5)
        finally:
            client.close()
            server.close()

    asyncio.run(run())


async def _flood(end: socket.socket) -> None:
    """Sends far more than all buffers on the way can hold."""
    for _ in range(1000):
        await asyncio.get_running_loop().sock_sendall(end, b"x" * 65536)


async def _read_all(end: socket.socket) -> bytes:
    loop, found = asyncio.get_running_loop(), b""
    while piece := await loop.sock_recv(end, 65536):
        found += piece
    return found


def test_both_directions_are_copied_and_each_end_is_passed_on_alone() -> None:
    async def talk(client: socket.socket, server: socket.socket, _: asyncio.Task[None]) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"question")
        client.shutdown(socket.SHUT_WR)
        assert await _read_all(server) == b"question"
        await loop.sock_sendall(server, b"answer")
        server.shutdown(socket.SHUT_WR)
        assert await _read_all(client) == b"answer"

    _with_both_ends(talk)


def test_a_slow_reader_slows_its_writer() -> None:
    async def talk(client: socket.socket, server: socket.socket, _: asyncio.Task[None]) -> None:
        flood = asyncio.create_task(_flood(client))
        assert await asyncio.wait({flood}, timeout=1) == (set(), {flood})
        flood.cancel()
        client.close()
        await _read_all(server)
        server.shutdown(socket.SHUT_WR)

    _with_both_ends(talk)


def test_a_client_that_goes_away_ends_both_sides() -> None:
    async def talk(client: socket.socket, server: socket.socket, served: asyncio.Task[None]) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"question")
        assert await loop.sock_recv(server, 100) == b"question"
        client.close()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await asyncio.wait_for(_flood(server), 5)
        await asyncio.wait_for(served, 5)

    _with_both_ends(talk)


def test_where_no_target_answers_the_connection_is_closed() -> None:
    async def run() -> None:
        outer, client = await _pair()
        await serve_one(*outer, Wired(None))
        assert await _read_all(client) == b""
        client.close()

    asyncio.run(run())


def test_the_target_that_answered_is_asked_first_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def open_connection(address: str, _: int, limit: int) -> str:
        asked.append(address)
        if address == "dead":
            raise ConnectionRefusedError
        return address

    monkeypatch.setattr(forwarder.asyncio, "open_connection", open_connection)

    async def run() -> None:
        targets = Targets([("dead", 1), ("good", 1), ("other", 1)])
        assert str(await targets.connect()) == "good"
        assert str(await targets.connect()) == "good"

    asyncio.run(run())
    assert asked == ["dead", "good", "good"]
