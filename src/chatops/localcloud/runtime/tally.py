"""What an app did, minute by minute, as Azure Monitor counts it. Kept in memory for a day.

https://learn.microsoft.com/azure/container-apps/metrics. Minutes are those of the local cloud's clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from .. import clock

KEPT = timedelta(days=1)


@dataclass
class Minute:
    """One revision's minute: answers by status code, their milliseconds, and the replicas at its last look."""

    answers: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    milliseconds: float = 0.0
    replicas: int = 0
    restarts: int = 0


class Tally:
    """The minutes of one app."""

    def __init__(self) -> None:
        self._minutes: dict[tuple[datetime, str], Minute] = {}
        self._outside = 0

    def answered(self, revision: str, status: int, seconds: float, *, outside: bool) -> None:
        """Count one request when its answer has ended. `revision` is "" when none took it."""
        minute = self._now(revision)
        minute.answers[status] += 1
        minute.milliseconds += seconds * 1000
        self._outside += outside

    def take_outside(self) -> int:
        """Requests from outside the environment since this was last asked: those that Azure bills."""
        outside, self._outside = self._outside, 0
        return outside

    def seen(self, revision: str, replicas: int, restarts: int) -> None:
        """Note how many replicas a revision has now, and how often they were restarted so far."""
        minute = self._now(revision)
        minute.replicas, minute.restarts = replicas, restarts

    def between(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, str, Minute]]:
        """The minutes that begin in a span of time, in order, with the revision's name."""
        for (at, revision), minute in sorted(self._minutes.items()):
            if start <= at < end:
                yield at, revision, minute

    def _now(self, revision: str) -> Minute:
        at = clock.now().astimezone(UTC).replace(second=0, microsecond=0)
        if (at, revision) not in self._minutes:
            for old in [key for key in self._minutes if key[0] < at - KEPT]:
                del self._minutes[old]
            self._minutes[at, revision] = Minute()
        return self._minutes[at, revision]
