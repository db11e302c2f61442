"""How many replicas a revision should have: Azure's rules, as KEDA and the HPA of Kubernetes apply them.

https://learn.microsoft.com/azure/container-apps/scale-app#scale-behavior. Every rule says how many it needs, the
highest wins. Scaling out adds one replica to none, otherwise at most four more or as many again, whichever is more.
Scaling in goes to the highest need of the last 300 s; the last replica goes when nothing was active for the cool-down,
which concerns no other replica. Without a rule that can wake it (requests, a schedule) the last replica stays.

For concurrent requests Azure takes those of the past 15 s divided by 15; here they are also at least those really in
flight, so that few long streams count. Azure evaluates every 15 s whatever `pollingInterval` says; a shorter polling
interval is honoured here, so that a rehearsal may hurry.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .. import clock
from .rules import Load, Wish, by_requests, wish
from .spec import Cron, Scale

HPA_INTERVAL = 15.0  # seconds
STABILIZATION = 300.0  # seconds of lower need before replicas go, all but the last


@dataclass(frozen=True)
class Sample:
    """What one evaluation found: the replicas needed, and whether anything was active."""

    at: float
    need: int
    active: bool = True


def needed(scale: Scale, load: Load, current: int, now: datetime) -> Wish:
    """The most that any rule asks for, before bounds."""
    wishes = [wish(rule, load, current, now) for rule in scale.rules]
    if scale.concurrency is not None:
        wishes.append(by_requests(scale.concurrency, load))
    return Wish(max((one.replicas for one in wishes), default=0), any(one.active for one in wishes))


def sleeps(scale: Scale) -> bool:
    """Whether the last replica may go: something must be able to bring it back."""
    return scale.minimum == 0 and (scale.concurrency is not None or any(isinstance(one, Cron) for one in scale.rules))


def step(current: int) -> int:
    """The most replicas that one evaluation may lead to."""
    return 1 if current == 0 else current + max(4, current)


def desired(scale: Scale, samples: Sequence[Sample], current: int, now: float) -> int:
    """The replicas to have now. `samples` are in order, the newest last; without any, bounds alone decide.

    Bounds hold at once, without steps.
    """
    least = scale.minimum if sleeps(scale) else max(1, scale.minimum)
    if not samples or current < least:
        return max(least, min(current, scale.maximum))
    newest = samples[-1]
    if current == 0:
        return 1 if newest.active else 0
    if current == 1 and least == 0 and not any(one.active for one in samples if one.at > now - scale.cooldown):
        return 0
    wanted = max(1, least, min(newest.need, scale.maximum))
    if wanted > current:
        return min(wanted, step(current))
    recent = [one.need for one in samples if one.at > now - STABILIZATION]
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
        while self._arrivals and self._arrivals[0] <= at - HPA_INTERVAL:
            self._arrivals.popleft()
        self._area, self._start = 0.0, at
        return max(mean, len(self._arrivals) / HPA_INTERVAL)


class Scalable(Protocol):
    """What the scaler looks after. `measure` says what its replicas use, as far as a rule asks for it."""

    gauge: Gauge

    @property
    def scale(self) -> Scale: ...

    @property
    def replicas(self) -> int: ...

    def set_replicas(self, count: int) -> None: ...

    async def measure(self, requests: float) -> Load: ...


class Clock(Protocol):
    """Time: monotonic and of the calendar, and waiting for an event or a time, whichever is first."""

    def now(self) -> float: ...

    def date(self) -> datetime: ...

    async def wait(self, event: asyncio.Event, seconds: float) -> None: ...


class LocalClock:
    """The local cloud's, which can be put ahead."""

    def now(self) -> float:
        return asyncio.get_running_loop().time() + clock.ahead()

    def date(self) -> datetime:
        return clock.now()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        tasks = {asyncio.create_task(event.wait()), asyncio.create_task(clock.sleep(seconds))}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


class Scaler:
    """Evaluates one revision at every interval, and at once when `wake` is set: a request waits, no replica runs."""

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
                await self.evaluate()
                due = self._clock.now() + self._interval
            elif self._app.replicas == 0 and self._app.gauge.now > 0:
                self.active()
                self._app.set_replicas(1)

    def active(self) -> None:
        """Count this moment as activity: the cool-down to zero begins anew."""
        self._samples.append(Sample(self._clock.now(), need=1))

    @property
    def _interval(self) -> float:
        return min(self._app.scale.polling, HPA_INTERVAL)

    async def evaluate(self) -> None:
        """One evaluation, now."""
        now, scale = self._clock.now(), self._app.scale
        load = await self._app.measure(self._app.gauge.load(now))
        found = needed(scale, load, self._app.replicas, self._clock.date())
        self._samples.append(Sample(now, found.replicas, found.active))
        while self._samples[0].at <= now - max(scale.cooldown, STABILIZATION) and len(self._samples) > 1:
            self._samples.popleft()
        self._app.set_replicas(desired(scale, self._samples, self._app.replicas, now))
