"""The PostgreSQL servers of this local cloud, by ARM id."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from .logs import LogFile
from .postgres import PostgresServer, read_record
from .processes import Children
from .spec import RuntimeFailure


class Servers:
    """Starts, keeps and removes servers; data in `directory`/<name>-<hash>, logs in `logs`/<name>/postgresql.log."""

    def __init__(self, directory: Path, logs: Path, children: Children) -> None:
        self._directory = directory
        self._logs = logs
        self._children = children
        self._running: dict[str, PostgresServer] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def put(self, server: str, version: str, admin: str, password: str | None) -> str:
        """See `contract.Runtime.put_server`."""
        folder = self._folder(server)
        async with self._locks[server]:
            if password is None and read_record(folder) is None:
                raise RuntimeFailure("InternalServerError", f"the data of server {_name(server)!r} are gone")
            running = self._running.get(server)
            if running is None:
                running = self._running[server] = await self._started(server, version)
            if password is not None:
                with _translated():
                    await running.put_admin(server, admin, password)
            return running.version

    async def _started(self, server: str, version: str) -> PostgresServer:
        log = LogFile(self._logs / _name(server) / "postgresql.log")
        coming = PostgresServer(self._folder(server), self._children, log)
        try:
            with _translated():
                await coming.start(version)
        except BaseException:
            await coming.stop()  # nothing of it may go on beside the next one
            raise
        return coming

    async def stop_one(self, server: str) -> None:
        """End one server; its data stay."""
        async with self._locks[server]:
            if running := self._running.pop(server, None):
                await running.stop()

    async def delete(self, server: str) -> None:
        async with self._locks[server]:
            if running := self._running.pop(server, None):
                await running.stop()
            await asyncio.to_thread(shutil.rmtree, self._folder(server), ignore_errors=True)

    async def put_database(self, server: str, name: str) -> None:
        running = self._get(server)
        record = running.record
        assert record is not None  # noqa: S101
        with _translated():
            await running.put_database(name, record.admin)

    async def delete_database(self, server: str, name: str) -> None:
        with _translated():
            await self._get(server).delete_database(name)

    def _get(self, server: str) -> PostgresServer:
        if server not in self._running:
            raise RuntimeFailure("ServerNotFound", f"server {_name(server)!r} is not running")
        return self._running[server]

    def ports(self) -> dict[str, int]:
        """Server name -> port on loopback."""
        return {_name(server): running.port for server, running in self._running.items()}

    async def stop(self) -> None:
        await asyncio.gather(*(running.stop() for running in self._running.values()))
        self._running.clear()

    def _folder(self, server: str) -> Path:
        return self._directory / f"{_name(server)}-{hashlib.sha256(server.encode()).hexdigest()[:8]}"


def _name(server: str) -> str:
    return server.rsplit("/", 1)[-1]


@contextmanager
def _translated() -> Iterator[None]:
    """What PostgreSQL refuses becomes a failure of the runtime, in PostgreSQL's own words."""
    try:
        yield
    except (psycopg.Error, TimeoutError) as error:
        raise RuntimeFailure("InternalServerError", f"PostgreSQL: {error}") from error
