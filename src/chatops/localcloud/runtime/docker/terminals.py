"""A command inside a container, on a terminal that the engine makes."""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence

from ..spec import RuntimeFailure
from .engine import Engine, EngineGone, EngineRefusal

log = logging.getLogger(__name__)

BLOCK = 65536
CTRL_C, CTRL_D = b"\x03", b"\x04"
PATIENCE = 10.0  # seconds that a command has to begin, or to end
LOOK_AGAIN = 0.02
UNKNOWN = -1  # instead of an exit code: it still runs, or its container is gone


class ContainerTerminal:
    """The engine cannot kill a command: one that ignores Ctrl-C and the end of its input ends with its container."""

    def __init__(self, engine: Engine, id: str, connection: tuple[StreamReader, StreamWriter]) -> None:
        self._engine = engine
        self._id = id
        self._reader, self._writer = connection
        self._resizing: set[asyncio.Task[None]] = set()

    async def read(self) -> bytes:
        try:
            return await self._reader.read(BLOCK)
        except ConnectionError:
            return b""

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def resize(self, width: int, height: int) -> None:
        task = asyncio.create_task(self._resize(width, height))
        self._resizing.add(task)
        task.add_done_callback(self._resizing.discard)

    async def _resize(self, width: int, height: int) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not await self._resized(width, height):
                    await asyncio.sleep(LOOK_AGAIN)
        except (TimeoutError, EngineGone) as failure:
            log.info("a terminal is not resized: %s", failure or "no time left")

    async def _resized(self, width: int, height: int) -> bool:
        try:
            await self._engine.call("POST", f"/exec/{self._id}/resize", w=str(width), h=str(height))
        except EngineRefusal:  # the command is not there yet
            return False
        return True

    async def close(self) -> int:
        if not self._reader.at_eof():
            self.write(CTRL_C)
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._exit_code()
        except (TimeoutError, RuntimeFailure):
            return UNKNOWN
        finally:
            self._writer.close()

    async def _exit_code(self) -> int:
        """The engine knows it a moment after the output has ended."""
        while (found := await self._engine.call("GET", f"/exec/{self._id}/json"))["Running"]:
            await asyncio.sleep(LOOK_AGAIN)
            self.write(CTRL_D)
        return int(found["ExitCode"])


async def open_terminal(engine: Engine, container: str, argv: Sequence[str]) -> ContainerTerminal:
    """Start a command. Raises RuntimeFailure when the container is gone."""
    streams = dict.fromkeys(("AttachStdin", "AttachStdout", "AttachStderr", "Tty"), True)
    id = str((await engine.call("POST", f"/containers/{container}/exec", {**streams, "Cmd": list(argv)}))["Id"])
    connection = await engine.attach(f"/exec/{id}/start", {"Detach": False, "Tty": True})
    return ContainerTerminal(engine, id, connection)
