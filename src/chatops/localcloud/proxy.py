"""A CONNECT proxy that lets Azure's public names reach this daemon and nothing else.

So `https://NAME.vault.azure.net` and `https://NAME.azurecr.io` keep their real names, and a client that is pointed
here by mistake cannot get out to the real Azure. The journal names every host that was asked for, and the answer.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import StreamReader, StreamWriter

from . import clock
from .journal import Calls
from .relay import relay

SUFFIXES = (".vault.azure.net", ".azurecr.io")
NAMES = ("management.azure.com", "login.microsoftonline.com")
HEAD_LIMIT = 16384


class Proxy:
    """Tunnels to the daemon's own TLS port on loopback."""

    def __init__(self, target: int, calls: Calls) -> None:
        self._target = target
        self._calls = calls
        self._server: asyncio.Server | None = None
        self._open: set[StreamWriter] = set()

    async def start(self, bound: socket.socket) -> None:
        self._server = await asyncio.start_server(self._serve, sock=bound, limit=HEAD_LIMIT)

    async def stop(self) -> None:
        """Close the listener and every tunnel."""
        if self._server:
            self._server.close()
        for writer in list(self._open):
            writer.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._open.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, place = request_line(head)
            status = 200 if allowed(method, place) else 403
            line = {"time": clock.iso(), "plane": "proxy", "method": method, "path": place, "status": status}
            self._calls.note(line)
            if status == 403:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                await writer.drain()
                return
            await self._tunnel(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _tunnel(self, reader: StreamReader, writer: StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._open.add(inner_writer)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await relay((reader, writer), (inner_reader, inner_writer))
        finally:
            self._open.discard(inner_writer)
            inner_writer.close()


def request_line(head: bytes) -> tuple[str, str]:
    """Method and target of a request head; the target without a query, which may hold secrets."""
    method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
    return method, rest.split(" ")[0].split("?")[0].lower()


def allowed(method: str, place: str) -> bool:
    """Whether this is a request for a tunnel to one of Azure's names on port 443."""
    host, _, port = place.rpartition(":")
    return method == "CONNECT" and port == "443" and (host in NAMES or host.endswith(SUFFIXES))
