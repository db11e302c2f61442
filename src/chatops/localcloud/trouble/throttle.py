"""Throttling by token bucket, one each for reads, writes and deletes of the subscription, as Azure's gateway does it.

https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from .. import clock

KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
ZONE = "x-ms-ratelimit-remaining-subscription-"


def kind_of(method: str) -> str:
    """Which bucket a call draws from."""
    return KINDS.get(method, "writes")


@dataclass
class Bucket:
    """Holds at most `size` tokens and gets `rate` new ones a second."""

    size: float
    rate: float
    level: float = field(init=False)
    filled: float = field(init=False)

    def __post_init__(self) -> None:
        self.level, self.filled = self.size, clock.now().timestamp()

    def take(self) -> float:
        """Take a token and return 0, or return in how many seconds there will be one."""
        moment = clock.now().timestamp()
        self.level = min(self.size, self.level + (moment - self.filled) * self.rate)
        self.filled = moment
        if self.level < 1:
            return (1 - self.level) / self.rate
        self.level -= 1
        return 0.0


@dataclass
class Throttle:
    """`rates` gives calls per second by kind, `burst` how many seconds' worth may come at once. Without rates: none."""

    rates: dict[str, float] = field(default_factory=dict)
    burst: float = 2.0
    buckets: dict[str, Bucket] = field(init=False)

    def __post_init__(self) -> None:
        self.buckets = {kind: Bucket(max(1.0, rate * self.burst), rate) for kind, rate in self.rates.items()}

    def take(self, method: str) -> tuple[float, dict[str, str]]:
        """Seconds to wait before the call may be sent again (0: let through), and the headers of its answer."""
        bucket = self.buckets.get(kind := kind_of(method))
        if bucket is None:
            return 0.0, {}
        wait = bucket.take()
        headers = {ZONE + kind: str(int(bucket.level))}
        return wait, {**headers, "Retry-After": str(ceil(wait))} if wait else headers
