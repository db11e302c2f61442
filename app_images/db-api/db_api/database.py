"""The pool of connections, and the patience that hides a database restart from users.

Every operation is safe to run twice (reads, and writes with ids chosen by the caller), so one whose connection breaks
is run again, for a bounded while, instead of being answered with an error. Burstable B1ms allows 35 user connections in
all: with at most 5 per replica, five replicas fit.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from .errors import DATABASE_UNAVAILABLE, fail
from .migrate import migrate

T = TypeVar("T")
Connection = psycopg.AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

TRANSIENT = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction)
log = logging.getLogger(__name__)


class Database:
    """A PostgreSQL database that may be away for a while: at start, and at any moment later."""

    def __init__(self, conninfo: str, patience: float) -> None:
        self._conninfo = conninfo
        self._patience = patience
        self._migrated = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        # short waits: `run` asks again, and each new question makes the pool try a new connection at once
        self._pool: Pool = AsyncConnectionPool(
            conninfo,
            connection_class=Connection,
            kwargs={"autocommit": True, "row_factory": dict_row},
            min_size=1,
            max_size=5,
            max_waiting=200,
            timeout=1.0,
            reconnect_timeout=1.0,
            max_lifetime=1800,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def __aenter__(self) -> Self:
        self._starting = asyncio.create_task(self._start())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._starting:
            self._starting.cancel()
            with suppress(asyncio.CancelledError):
                await self._starting
        await self._pool.close()

    async def _start(self) -> None:
        """Migrate as soon as the database answers, however long that takes; then open the pool."""
        while not self._migrated.is_set():
            try:
                number = await migrate(self._conninfo)
            except psycopg.Error as error:
                log.warning("the database cannot be used yet: %s", _first_line(error))
                await asyncio.sleep(0.5)
            else:
                await self._pool.open()
                self._migrated.set()
                log.info("the database is ready, schema %d", number)

    async def run(self, operation: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `operation` in one transaction, again when the connection breaks; 503 when patience ends.

        When this returns, what was written is committed. `operation` must be safe to run twice.
        """
        deadline = asyncio.get_running_loop().time() + self._patience
        pause = 0.05
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._migrated.wait()
                    return await self._once(operation)
            except TRANSIENT as error:
                log.warning("trying again after: %s", _first_line(error))
            except TimeoutError:
                fail(DATABASE_UNAVAILABLE)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = min(pause * 2, 0.8)

    async def _once(self, operation: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._pool.connection() as connection, connection.transaction():
            return await operation(connection)

    async def ready(self) -> bool:
        """Whether the schema is there and the database answers within two seconds."""
        if not self._migrated.is_set():
            return False
        try:
            async with asyncio.timeout(2.0), self._pool.connection() as connection:
                await connection.execute("SELECT 1")
        except (*TRANSIENT, TimeoutError):
            return False
        return True


def _first_line(error: Exception) -> str:
    """What psycopg says, without the statement and its values."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
