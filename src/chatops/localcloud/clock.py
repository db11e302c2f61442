"""The local cloud's time: the machine's UTC clock and what it was put ahead by, in the spellings that Azure uses.

Whatever waits here waits by this clock, so that a test can put it ahead instead of waiting. Tokens and certificates
live by the machine's own clock (`wall`): clients judge them by theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass
class _Hands:
    """How far the clock was put ahead, and who waits by it."""

    ahead: timedelta = timedelta()
    waiting: set[asyncio.Event] = field(default_factory=set)


_hands = _Hands()


def wall() -> datetime:
    """The machine's own time."""
    return datetime.now(UTC)


def now() -> datetime:
    return wall() + _hands.ahead


def ahead() -> float:
    """Seconds between the machine's clock and this one."""
    return _hands.ahead.total_seconds()


def awake() -> float:
    """Seconds by which to measure what lasts: they pass while the machine does, or when the clock is put ahead, and
    not while it sleeps or when its own clock is set.
    """
    return time.monotonic() + ahead()


def advance(seconds: float) -> None:
    """Put the clock ahead; whoever waits long enough by then goes on at once."""
    _hands.ahead += timedelta(seconds=seconds)
    for moved in _hands.waiting:
        moved.set()


async def sleep(seconds: float) -> None:
    """Wait until this clock shows `seconds` more than now."""
    end = now() + timedelta(seconds=seconds)
    while (left := (end - now()).total_seconds()) > 0:
        moved = asyncio.Event()
        _hands.waiting.add(moved)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), left)
        finally:
            _hands.waiting.discard(moved)


def iso(moment: datetime | None = None) -> str:
    """`2026-08-01T10:20:30.1234567Z`: ISO 8601 in UTC with Azure's seven digits."""
    return (moment or now()).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def parse(text: str) -> datetime:
    """Read back what `iso` wrote (Python takes six digits at most)."""
    return datetime.fromisoformat(text[:26] + "+00:00")


def epoch(moment: datetime | None = None) -> int:
    """Whole seconds since 1970, as tokens and Key Vault give times."""
    return int((moment or now()).timestamp())
