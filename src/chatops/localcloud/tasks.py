"""Work that goes on beside everything else: a failure that nobody waits for is told in the daemon's log at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

log = logging.getLogger(__name__)

Work = Coroutine[Any, Any, None]
AGAIN = 10.0  # seconds after which work without an end is begun again when it has failed


def beside(work: Work, what: str) -> asyncio.Task[None]:
    """Begin `work`; `what` names it in the log if it fails."""
    task = asyncio.create_task(work)
    task.add_done_callback(partial(_tell, what))
    return task


def _tell(what: str, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (failure := task.exception()) is not None:
        log.error("%s failed", what, exc_info=failure)


async def for_ever(begin: Callable[[], Work], what: str, pause: float = AGAIN) -> None:
    """Begin work that should never end again whenever it has failed."""
    while True:
        task = beside(begin(), what)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
        await asyncio.sleep(pause)
