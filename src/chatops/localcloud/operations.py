"""Long-running operations: started by a write, polled by the client, settled when the real work behind them ends.

How they are told to whoever polls is in `polling`. Operations are stored: a poll after a restart of the daemon gets an
honest answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import timedelta

from . import clock
from .errors import ArmError
from .polling import Operation
from .runtime.spec import RuntimeFailure
from .store import Store

log = logging.getLogger(__name__)

SPACE = "operations"
KEPT = timedelta(days=1)


Work = Callable[[], Awaitable[None]]
Settle = Callable[[Operation], None]
Pace = Callable[[Operation], float]
"""How many seconds an operation takes at least; without one, as long as the real work behind it."""


@dataclass(frozen=True)
class Fate:
    """What is in store for an operation instead of its work: to fail with a code and a message, or (None) no end.

    One without end does its work after all when `released` is set.
    """

    failure: tuple[str, str] | None
    released: asyncio.Event

    async def befall(self) -> None:
        if self.failure:
            raise ArmError(400, *self.failure)
        await self.released.wait()


FATE: ContextVar[Fate | None] = ContextVar("fate", default=None)
"""Set around the request that starts an operation; the operation's task takes it over."""


class Operations:
    """Everything under way and everything that ended lately."""

    def __init__(self, store: Store, pace: Pace = lambda _: 0.0) -> None:
        self._store = store
        self._pace = pace
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._all = {key: Operation(**body) for key, body in store.below(SPACE)}
        self._forget_old()

    def _forget_old(self) -> None:
        limit = clock.iso(clock.now() - KEPT)
        with self._store.together():
            for key in [key for key, operation in self._all.items() if operation.finished and operation.end < limit]:
                del self._all[key]
                self._store.delete(SPACE, key)

    def on(self, target: str) -> Operation | None:
        """The operation under way on this resource, if any."""
        key = target.lower()
        return next((op for op in self._all.values() if not op.finished and op.target.lower() == key), None)

    def below(self, target: str) -> list[Operation]:
        """The operations under way on what is nested in this resource."""
        return [op for op in self.unfinished() if op.target.lower().startswith(f"{target.lower()}/")]

    def unfinished(self) -> list[Operation]:
        return [op for op in self._all.values() if not op.finished]

    def by_token(self, token: str) -> Operation | None:
        return self._all.get(token.lower())

    def open(self, operation: Operation) -> None:
        """Remember an operation; part of the transaction that stores its resource."""
        self._store.put(SPACE, operation.token.lower(), asdict(operation))
        self._all[operation.token.lower()] = operation
        self._forget_old()

    def run(self, operation: Operation, work: Work, settle: Settle) -> None:
        """Do the work in the background, then `settle` the resource together with the operation."""
        task = asyncio.get_running_loop().create_task(self._carry_out(operation, work))
        key = operation.token.lower()
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._ended(operation, done, settle))

    async def wait(self, target: str) -> None:
        """Return when nothing is under way on this resource."""
        while (operation := self.on(target)) and (task := self._tasks.get(operation.token.lower())):
            await asyncio.wait([task])

    async def stop(self, others: Iterable[asyncio.Task[None]] = ()) -> None:
        """Leave what is under way as it is; it is taken up again at the next start. Ends `others` as well."""
        tasks = [*self._tasks.values(), *others]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def cancel(self, operation: Operation) -> None:
        """End an operation's work now, unless it has ended by itself; its resource stays as it is."""
        if task := self._tasks.get(operation.token.lower()):
            task.cancel()
            await asyncio.wait([task])
        if operation.finished:
            return
        operation.status, operation.end = "Canceled", clock.iso()
        operation.error = {"code": "Canceled", "message": "The operation was canceled."}
        self._store.put(SPACE, operation.token.lower(), asdict(operation))

    async def _carry_out(self, operation: Operation, work: Work) -> None:
        pause = asyncio.ensure_future(clock.sleep(self._pace(operation)))
        try:
            if fate := FATE.get():
                await fate.befall()
            await work()
            await pause
        except ArmError as failure:
            operation.error, operation.failed_with = failure.error, failure.status
        except RuntimeFailure as failure:
            operation.error, operation.failed_with = {"code": failure.code, "message": str(failure)}, 400
        finally:
            pause.cancel()

    def _ended(self, operation: Operation, task: asyncio.Task[None], settle: Settle) -> None:
        self._tasks.pop(operation.token.lower(), None)
        if task.cancelled():
            return
        if (unexpected := task.exception()) is not None:
            log.error("%s %s failed", operation.verb, operation.target, exc_info=unexpected)
            operation.error = {"code": "InternalServerError", "message": "An unexpected error; see the daemon's log."}
            operation.failed_with = 500
        operation.status = "Failed" if operation.error else "Succeeded"
        operation.end = clock.iso()
        with self._store.together():
            settle(operation)
            self._store.put(SPACE, operation.token.lower(), asdict(operation))
