"""What replicas and servers wrote, one file each, every line stamped with the time as in Azure's log stream.

A line is `2026-05-04T10:20:30.123456Z text`. A file that grows past its cap becomes `<name>.log.1`, replacing the one
before, so that a talkative replica costs at most twice the cap; of an app's replicas that ended, the last few logs are
kept. Files are 0600: what an app prints may be private.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..files import Growing, older

CAP = 8 * 2**20
LONGEST_LINE = 64 * 1024
BEHIND = 4 * 2**20  # bytes that wait for one reader
DEAD = 20  # logs of one app's replicas that ended


def stamp() -> str:
    """Now, in UTC, ISO 8601 with microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Reader:
    """Lines on their way to one who follows logs. One who is too slow misses some, instead of filling the memory."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        self._size = 0

    def put(self, line: bytes) -> None:
        if self._size < BEHIND:
            self._lines.put_nowait(line)
            self._size += len(line)

    async def get(self) -> bytes:
        line = await self._lines.get()
        self._size -= len(line)
        return line


class LogFile:
    """The log of one process. `write` takes raw output in any pieces; only whole lines reach the file."""

    def __init__(self, path: Path, cap: int = CAP) -> None:
        self.path = path
        self._file = Growing(path, cap)
        self._rest = b""
        self.written = 0  # bytes that came, those of parts that are gone too
        self._readers: set[Reader] = set()

    def write(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._line(line.rstrip(b"\r"))

    def note(self, text: str) -> None:
        """A line of the runtime's own, such as why a replica was restarted."""
        self._line(f"[system] {text}".encode())

    def close(self) -> None:
        if self._rest:
            self.write(b"\n")
        self._file.close()

    def _line(self, line: bytes) -> None:
        if self._file.closed:
            return
        whole = stamp().encode() + b" " + line + b"\n"
        self._file.add(whole)
        self.written += len(whole)
        for reader in self._readers:
            reader.put(whole)

    def subscribe(self, reader: Reader) -> None:
        self._readers.add(reader)

    def unsubscribe(self, reader: Reader) -> None:
        self._readers.discard(reader)


async def pump(stream: asyncio.StreamReader, log: LogFile) -> None:
    """Copy a process's output to its log until it closes its end."""
    while data := await stream.read(65536):
        log.write(data)


def last_lines(path: Path, count: int) -> list[bytes]:
    """The last `count` lines of one log, its older part included. [] when there is none."""
    lines: deque[bytes] = deque(maxlen=count)
    for part in (older(path), path):
        lines.extend(_lines(part))
    return list(lines)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        return


class AppLogs:
    """The logs of one app's replicas, living and dead, in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._open: dict[str, LogFile] = {}
        self._written = 0  # in logs that are closed, less what was taken
        self._readers: dict[Reader, str | None] = {}

    def open(self, replica: str) -> LogFile:
        self._forget_dead()
        log = self._open[replica] = LogFile(self.directory / f"{replica}.log")
        for reader, wanted in self._readers.items():
            if wanted in (None, replica):
                log.subscribe(reader)
        return log

    def _forget_dead(self) -> None:
        dead = [path for path in self.directory.glob("*--*.log") if path.stem not in self._open]
        dead.sort(key=lambda path: path.stat().st_mtime)
        for path in dead[:-DEAD]:
            for part in (path, older(path)):
                part.unlink(missing_ok=True)

    def close(self, replica: str) -> None:
        if log := self._open.pop(replica, None):
            log.close()
            self._written += log.written

    def take_written(self) -> int:
        """Bytes that came since this was last asked."""
        logs = self._open.values()
        taken = self._written + sum(log.written for log in logs)
        self._written = -sum(log.written for log in logs)
        return taken

    async def read(self, replica: str | None, tail: int, follow: bool) -> AsyncIterator[bytes]:
        """The last `tail` lines of one replica or of all, oldest first; then, when `follow`, each new line for ever."""
        reader = Reader()
        for name, log in self._open.items():
            if follow and replica in (None, name):
                log.subscribe(reader)
        if follow:
            self._readers[reader] = replica
        try:
            for line in self._tail(replica, tail):
                yield line
            while follow:
                yield await reader.get()
        finally:
            self._readers.pop(reader, None)
            for log in self._open.values():
                log.unsubscribe(reader)

    def _tail(self, replica: str | None, tail: int) -> Iterable[bytes]:
        paths = self.directory.glob("*.log") if replica is None else [self.directory / f"{replica}.log"]
        return deque(heapq.merge(*(last_lines(path, tail) for path in paths)), maxlen=tail)
