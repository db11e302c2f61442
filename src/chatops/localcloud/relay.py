"""Bytes between two connections, both ways, until either side ends."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio import StreamReader, StreamWriter

BLOCK = 65536
Connection = tuple[StreamReader, StreamWriter]


async def relay(one: Connection, other: Connection) -> None:
    """Return when both directions have ended; the writers are closed then."""
    await asyncio.gather(_copy(one[0], other[1]), _copy(other[0], one[1]))


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while block := await reader.read(BLOCK):
            writer.write(block)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
