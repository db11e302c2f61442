"""Waiting for something to change, by any number of tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


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
