"""A CONNECT proxy that lets Azure's public names reach this daemon and nothing else.

So `https://NAME.vault.azure.net` and `https://NAME.azurecr.io` keep their real names, and a client that is pointed
here by mistake cannot get out to the real Azure.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio import StreamReader, StreamWriter

SUFFIXES = (".vault.azure.net", ".azurecr.io")
NAMES = ("management.azure.com", "login.microsoftonline.com")
HEAD_LIMIT = 16384
BLOCK = 65536


class Proxy:
    """Tunnels to the daemon's own TLS port on loopback."""

    def __init__(self, target: int) -> None:
        self._target = target
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
            if not allowed(head):
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
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        finally:
            self._open.discard(inner_writer)
            inner_writer.close()


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while block := await reader.read(BLOCK):
            writer.write(block)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


def allowed(head: bytes) -> bool:
    """Whether this request head asks for a tunnel to one of Azure's names on port 443."""
    method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
    host, _, port = rest.split(" ")[0].lower().rpartition(":")
    return method == "CONNECT" and port == "443" and (host in NAMES or host.endswith(SUFFIXES))
