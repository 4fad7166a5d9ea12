"""A DNS server on loopback that knows a few names, all of them 127.0.0.1."""

from __future__ import annotations

import socket
import threading

_NO_ERROR, _NO_SUCH_NAME = 0x8180, 0x8183


class NameServer:
    """`start` and `stop`. Answers questions for addresses of version 4."""

    def __init__(self, names: set[str]) -> None:
        self._names = names
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def start(self) -> NameServer:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def stop(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                question, client = self._socket.recvfrom(512)
                self._socket.sendto(self._answer(question), client)
            except OSError:
                return

    def _answer(self, message: bytes) -> bytes:
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1 : at + 1 + message[at]].decode())
            at += 1 + message[at]
        question = message[12 : at + 5]
        known = ".".join(labels) in self._names
        flags = (_NO_ERROR if known else _NO_SUCH_NAME).to_bytes(2, "big")
        head = message[:2] + flags + b"\x00\x01" + (b"\x00\x01" if known else b"\x00\x00") + b"\x00" * 4
        # A pointer to the name in the question, type A, class IN, five seconds, four bytes.
        record = b"\xc0\x0c\x00\x01\x00\x01" + (5).to_bytes(4, "big") + b"\x00\x04" + socket.inet_aton("127.0.0.1")
        return head + question + (record if known else b"")
