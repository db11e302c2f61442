"""The pool of connections, and the patience that hides a database restart from users.

Every operation is safe to run twice (reads, and writes with ids chosen by the caller), so one whose connection breaks
is run again, for a bounded while, instead of being answered with an error. Burstable B1ms allows 35 user connections in
all: with at most 5 per replica, five replicas fit.
"""

import asyncio
import logging
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
    """A PostgreSQL database that may be away for a while: at start, and at any moment later.

    While it is away, requests wait for one task that tries to reach it, instead of each trying by itself.
    """

    def __init__(self, conninfo: str, patience: float) -> None:
        self._conninfo = conninfo
        self._patience = patience
        self._reached = asyncio.Event()
        self._lost = asyncio.Event()
        self._lost.set()
        self._reaching: asyncio.Task[None] | None = None
        # a short wait for a connection: after it, the pool forgets broken attempts and `run` asks it again
        self._pool: Pool = AsyncConnectionPool(
            conninfo,
            connection_class=Connection,
            kwargs={"autocommit": True, "row_factory": dict_row},
            min_size=1,
            max_size=5,
            timeout=1.0,
            reconnect_timeout=1.0,
            max_lifetime=1800,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def __aenter__(self) -> Self:
        self._reaching = asyncio.create_task(self._reach())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reaching:
            self._reaching.cancel()
            with suppress(asyncio.CancelledError):
                await self._reaching
        await self._pool.close()

    async def _reach(self) -> None:
        """Whenever the database is lost (as it is at first), try until it answers and its schema is up to date."""
        while True:
            await self._lost.wait()
            try:
                number = await migrate(self._conninfo)
            except psycopg.Error as error:
                log.warning("the database cannot be used yet: %s", _first_line(error))
                await asyncio.sleep(0.25)
            else:
                await self._pool.open()
                self._lost.clear()
                self._reached.set()
                log.info("the database is ready, schema %d", number)

    def _lose(self, error: Exception) -> None:
        log.warning("looking for the database again after: %s", _first_line(error))
        self._reached.clear()
        self._lost.set()

    async def run(self, operation: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `operation` in one transaction, again when the connection breaks; 503 when patience ends.

        When this returns, what was written is committed. `operation` must be safe to run twice.
        """
        clock = asyncio.get_running_loop().time
        deadline, pause = clock() + self._patience, 0.02
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._reached.wait()
                    return await self._once(operation)
            except (*TRANSIENT, TimeoutError) as error:
                if clock() >= deadline:
                    fail(DATABASE_UNAVAILABLE)
                self._lose(error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.5)

    async def _once(self, operation: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._pool.connection() as connection, connection.transaction():
            return await operation(connection)

    async def ready(self) -> bool:
        """Whether the schema is there and the database answers within two seconds."""
        if not self._reached.is_set():
            return False
        try:
            async with asyncio.timeout(2.0), self._pool.connection() as connection:
                await connection.execute("SELECT 1")
        except TRANSIENT as error:
            self._lose(error)
            return False
        except TimeoutError:
            return False
        return True


def _first_line(error: Exception) -> str:
    """What psycopg says, without the statement and its values."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
