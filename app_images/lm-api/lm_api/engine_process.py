"""The engine as a child process: started on a socket of its own, watched, and ended by closing its stdin."""

import asyncio
import contextlib
import logging
import re
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from lm_api.errors import StartError

log = logging.getLogger("lm-api")
LAST_LINES = 20
SECONDS_TO_END = 30.0


@dataclass
class Engine:
    """A running engine: its socket, its process and the last lines of its stderr."""

    socket: str
    process: Process
    stderr: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))

    async def ended(self) -> str:
        """Wait until the process has ended; why, as far as it said."""
        code = await self.process.wait()
        return cause(list(self.stderr)) or f"exit code {code}"


@contextlib.asynccontextmanager
async def running_engine(model: Path) -> AsyncIterator[Engine]:
    """An engine that has loaded the model; raises StartError with llama.cpp's own words when it cannot."""
    with tempfile.TemporaryDirectory(prefix="lm-api-") as folder:
        socket = str(Path(folder) / "engine.sock")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lm_api.engine", socket, str(model), stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        engine = Engine(socket, process)
        reader = asyncio.create_task(_read_stderr(engine))
        try:
            await _ready(engine, reader, model)
            yield engine
        finally:
            await _end(process)
            await reader


async def _ready(engine: Engine, reader: "asyncio.Task[None]", model: Path) -> None:
    assert engine.process.stdout is not None  # noqa: S101 - for mypy: it was asked for as a pipe
    if await engine.process.stdout.readline():
        return
    await reader
    raise StartError(f"LM_MODEL: {model} cannot be loaded: {await engine.ended()}")


async def _read_stderr(engine: Engine) -> None:
    assert engine.process.stderr is not None  # noqa: S101 - for mypy: it was asked for as a pipe
    async for line in engine.process.stderr:
        text = line.decode(errors="replace").rstrip()
        engine.stderr.append(text)
        log.debug("engine: %s", text)


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), SECONDS_TO_END)
    except TimeoutError:
        process.kill()
        await process.wait()


def cause(stderr: list[str]) -> str:
    """The first error in llama.cpp's log (`0.00.008.246 E function: text`), else the last line of a Python error."""
    errors = [found.group(1) for line in stderr if (found := re.match(r"\S+ E \s*(?:\w+ +)?\w+: (.*)", line))]
    return errors[0].removeprefix("error loading model: ") if errors else (stderr[-1] if stderr else "")
