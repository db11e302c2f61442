"""Waiting for something to change, by any number of tasks, or for a moment at most."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress


class Changes:
    """`announce` wakes everyone who waits in `until`."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def announce(self) -> None:
        self._next.set()
        self._next = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as the condition holds, looking again after each announcement."""
        while not condition():
            await self._next.wait()


async def at_most(seconds: float, event: asyncio.Event) -> None:
    """Return after so many seconds, or as soon as the event is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
