"""How busy an app is, from what Azure Monitor counts: neither requests in flight nor cold starts as such are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from chatops.azure.clients import Azure
from chatops.azure.metrics import Minutes, minutes_of

DAY, LATELY = timedelta(days=1), timedelta(minutes=5)
ASKED = (("Requests", "Total"), ("ResponseTime", "Average"), ("Replicas", "Maximum"))


@dataclass(frozen=True)
class Activity:
    """`in_flight`: mean of the newest minute that was counted; `cold_starts` of one day."""

    in_flight: float
    cold_starts: int


def activity_of(azure: Azure, app_id: str) -> Activity:
    """Read one app's last day. Raises CloudError."""
    requests, times, replicas = minutes_of(azure, app_id, ASKED, DAY)
    since = f"{datetime.now(UTC) - LATELY:%Y-%m-%dT%H:%M:%SZ}"
    return Activity(in_flight(requests, times, since), cold_starts(replicas))


def in_flight(requests: Minutes, times: Minutes, since: str) -> float:
    """Requests a minute times their mean milliseconds, by Little's law: so many were under way at a time."""
    newest = max(requests, default="")
    return requests[newest] * times.get(newest, 0.0) / 60_000 if newest >= since else 0.0


def cold_starts(replicas: Minutes) -> int:
    """How often there were replicas in a minute and none in the one before."""
    counts = [replicas[minute] for minute in sorted(replicas)]
    return sum(before == 0 < after for before, after in pairwise(counts))
