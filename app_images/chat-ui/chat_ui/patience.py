"""Waiting for a service that restarts, scales from zero, or is busy: pauses that grow, within a bounded time."""

import asyncio
import random

import httpx

AWAY = (502, 503, 504)
BUSY = 429
LONGEST_PAUSE = 3.0


class Patience:
    """How long one request goes on trying, in seconds; `async with patience:` bounds everything inside."""

    def __init__(self, seconds: float) -> None:
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._pause = 0.1

    @property
    def ended(self) -> bool:
        """Whether the time is up."""
        return asyncio.get_running_loop().time() >= self._deadline

    @property
    def left(self) -> float:
        """Seconds left."""
        return max(0.0, self._deadline - asyncio.get_running_loop().time())

    async def pause(self) -> None:
        """Wait a little, longer each time, never past the end; the spread keeps callers from coming back together."""
        await asyncio.sleep(min(self._pause * random.uniform(0.5, 1.5), self.left))  # noqa: S311
        self._pause = min(self._pause * 1.6, LONGEST_PAUSE)


def is_away(response: httpx.Response) -> bool:
    """Whether nobody who could answer was reached (the ingress or the service says so itself)."""
    return response.status_code in AWAY
