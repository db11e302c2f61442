"""How many replicas an app should have: Azure's rules for concurrent HTTP requests, as KEDA and the HPA apply them.

https://learn.microsoft.com/azure/container-apps/scale-app: at each evaluation ceil(concurrent requests / concurrency),
where Azure takes the requests of the past 15 s divided by 15 for concurrent; here they are also at least those really
in flight, so that few long streams count. Scaling out adds one replica to none, otherwise at most four more or as many
again, whichever is more; scaling in waits until the need was lower for the whole cool-down. Azure evaluates HTTP rules
every 15 s whatever `pollingInterval` says; a shorter polling interval is honoured here, so that a rehearsal may hurry.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .spec import Scale

HTTP_INTERVAL = 15.0  # seconds


@dataclass(frozen=True)
class Sample:
    """The load seen at one evaluation: `in_flight` is the number of concurrent requests since the one before."""

    at: float
    in_flight: float


def need(scale: Scale, in_flight: float) -> int:
    """Replicas that this load asks for, within bounds."""
    return max(scale.minimum, min(scale.maximum, math.ceil(in_flight / scale.concurrency)))


def step(current: int) -> int:
    """The most replicas that one evaluation may lead to."""
    return 1 if current == 0 else current + max(4, current)


def desired(scale: Scale, samples: Sequence[Sample], current: int, now: float) -> int:
    """The replicas to have now. `samples` are in order, the newest last; without any, bounds alone decide.

    Scaling in goes to the highest need of the last `cooldown` seconds. Bounds hold at once, without steps.
    """
    if not samples or current < scale.minimum:
        return max(scale.minimum, min(current, scale.maximum))
    wanted = need(scale, samples[-1].in_flight)
    if wanted > current:
        return max(scale.minimum, min(wanted, step(current)))
    recent = [need(scale, sample.in_flight) for sample in samples if sample.at > now - scale.cooldown]
    return min(current, scale.maximum, max([wanted, *recent]))


class Gauge:
    """Requests in flight, and the load that they were over time."""

    def __init__(self) -> None:
        self.now = 0
        self._area = 0.0
        self._arrivals: deque[float] = deque()
        self._since: float | None = None
        self._start = 0.0

    def add(self, change: int, at: float) -> None:
        self._integrate(at)
        self.now += change
        self._arrivals.extend([at] * max(change, 0))

    def _integrate(self, at: float) -> None:
        if self._since is None:
            self._start = at
        else:
            self._area += self.now * (at - self._since)
        self._since = at

    def load(self, at: float) -> float:
        """Concurrent requests: their mean since the last call or, if more, the last 15 s' arrivals divided by 15."""
        self._integrate(at)
        length = at - self._start
        mean = self._area / length if length > 0 else float(self.now)
        while self._arrivals and self._arrivals[0] <= at - HTTP_INTERVAL:
            self._arrivals.popleft()
        self._area, self._start = 0.0, at
        return max(mean, len(self._arrivals) / HTTP_INTERVAL)


class Scalable(Protocol):
    """What the scaler looks after."""

    gauge: Gauge

    @property
    def scale(self) -> Scale: ...

    @property
    def replicas(self) -> int: ...

    def set_replicas(self, count: int) -> None: ...


class Clock(Protocol):
    """Monotonic time, and waiting for an event or a time, whichever is first."""

    def now(self) -> float: ...

    async def wait(self, event: asyncio.Event, seconds: float) -> None: ...


class RealClock:
    """The machine's."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        try:
            await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            return


class Scaler:
    """Evaluates one app at every interval, and at once when `wake` is set: a request waits and no replica runs."""

    def __init__(self, app: Scalable, clock: Clock) -> None:
        self._app = app
        self._clock = clock
        self._samples: deque[Sample] = deque()
        self.wake = asyncio.Event()

    async def run(self) -> None:
        """For ever."""
        self._app.gauge.load(self._clock.now())  # the first period starts now
        due = self._clock.now() + self._interval
        while True:
            await self._clock.wait(self.wake, max(0.0, due - self._clock.now()))
            self.wake.clear()
            if self._clock.now() >= due:
                self.evaluate()
                due = self._clock.now() + self._interval
            elif self._app.replicas == 0 and self._app.gauge.now > 0:
                self.active()
                self._app.set_replicas(1)

    def active(self) -> None:
        """Count this moment as activity: the cool-down to zero begins anew."""
        self._samples.append(Sample(self._clock.now(), 1e-9))

    @property
    def _interval(self) -> float:
        return min(self._app.scale.polling, HTTP_INTERVAL)

    def evaluate(self) -> None:
        """One evaluation, now."""
        now, scale = self._clock.now(), self._app.scale
        self._samples.append(Sample(now, self._app.gauge.load(now)))
        while self._samples[0].at <= now - scale.cooldown and len(self._samples) > 1:
            self._samples.popleft()
        self._app.set_replicas(desired(scale, self._samples, self._app.replicas, now))
