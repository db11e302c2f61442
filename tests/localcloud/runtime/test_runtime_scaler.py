"""The scaling rules as a table, and the loop that applies them under a clock that the test drives."""

import asyncio

import pytest

from chatops.localcloud.runtime.scaler import Gauge, Sample, Scaler, desired
from chatops.localcloud.runtime.spec import Scale

pytestmark = pytest.mark.anyio

NOW = 1000.0


def table():
    """(what, scale, [(seconds ago, mean in flight)], current, expected)."""
    ten = Scale(minimum=1, maximum=10, concurrency=10)
    two = Scale(minimum=1, maximum=5, concurrency=2)
    zero = Scale(minimum=0, maximum=10, concurrency=10)
    wide = Scale(minimum=0, maximum=100, concurrency=1)
    return [
        ("no load keeps the minimum", ten, [(0, 0)], 1, 1),
        ("exactly at the target", ten, [(0, 10)], 1, 1),
        ("just above the target", ten, [(0, 10.1)], 1, 2),
        ("any load is one replica at least", ten, [(0, 0.01)], 1, 1),
        ("two replicas' worth", ten, [(0, 20)], 1, 2),
        ("rounded up", ten, [(0, 21)], 1, 3),
        ("held by the maximum", ten, [(0, 1000)], 8, 10),
        ("already at the maximum", ten, [(0, 1000)], 10, 10),
        ("30 users of 2 a replica", two, [(0, 30)], 1, 5),
        ("4 of 2 a replica", two, [(0, 4)], 1, 2),
        ("from one at most four more", wide, [(0, 50)], 1, 5),
        ("from two at most four more", wide, [(0, 50)], 2, 6),
        ("from four four more is doubling", wide, [(0, 50)], 4, 8),
        ("from five doubling", wide, [(0, 50)], 5, 10),
        ("from eight doubling", wide, [(0, 50)], 8, 16),
        ("from forty held by need", wide, [(0, 50)], 40, 50),
        ("from none one first", wide, [(0, 50)], 0, 1),
        ("from none with no load none", zero, [(0, 0)], 0, 0),
        ("from none with little load one", zero, [(0, 0.2)], 0, 1),
        ("to none when nothing came for the cool-down", zero, [(300, 5), (0, 0)], 1, 0),
        ("not yet to none", zero, [(299, 5), (0, 0)], 1, 1),
        ("the moment of a cold start counts", zero, [(10, 1e-9), (0, 0)], 1, 1),
        ("scale in waits for the highest recent need", ten, [(200, 45), (100, 25), (0, 5)], 6, 5),
        ("scale in follows when the peak is past", ten, [(301, 45), (100, 25), (0, 5)], 5, 3),
        ("scale in to the minimum at last", ten, [(301, 45), (0, 5)], 5, 1),
        ("scale in never adds", ten, [(200, 90), (0, 5)], 6, 6),
        ("need equal to current stays", ten, [(200, 90), (0, 60)], 6, 6),
        ("short cool-down", Scale(1, 10, 10, cooldown=30), [(31, 90), (0, 10)], 9, 1),
        ("short cool-down not over", Scale(1, 10, 10, cooldown=30), [(29, 90), (0, 10)], 9, 9),
        ("below a raised minimum at once", Scale(4, 10, 10), [(0, 0)], 1, 4),
        ("above a lowered maximum at once", Scale(1, 3, 10), [(0, 90)], 8, 3),
        ("above a lowered maximum without load", Scale(1, 3, 10), [(10, 90), (0, 0)], 8, 3),
        ("no sample yet keeps what is there", ten, [], 3, 3),
        ("no sample yet within bounds", ten, [], 30, 10),
        ("no sample yet from none", ten, [], 0, 1),
        ("fixed size ignores load", Scale(2, 2, 1), [(0, 99)], 2, 2),
    ]


@pytest.mark.parametrize(("what", "scale", "seen", "current", "expected"), table())
def test_rule(what, scale, seen, current, expected):
    samples = [Sample(NOW - ago, load) for ago, load in seen]
    assert desired(scale, samples, current, NOW) == expected, what


class DrivenClock:
    """Time moves only when the test says so; waiting ends when the time has come or the event is set."""

    def __init__(self):
        self.time = 0.0
        self._moved = asyncio.Event()
        self.waiting = asyncio.Event()

    def now(self):
        return self.time

    async def wait(self, event, seconds):
        until = self.time + seconds
        self.waiting.set()
        while self.time < until and not event.is_set():
            moved = asyncio.create_task(self._moved.wait())
            woken = asyncio.create_task(event.wait())
            await asyncio.wait([moved, woken], return_when=asyncio.FIRST_COMPLETED)
            moved.cancel()
            woken.cancel()
        self.waiting.clear()

    async def forward(self, seconds):
        """Move on; returns when the loop under test waits again."""
        await self.waiting.wait()
        self.time += seconds
        self._moved.set()
        self._moved = asyncio.Event()
        await self.settle()

    async def settle(self):
        for _ in range(10):
            await asyncio.sleep(0)
        await self.waiting.wait()


class CountedApp:
    """A thing to scale that only counts."""

    def __init__(self, scale, replicas):
        self.scale = scale
        self.replicas = replicas
        self.gauge = Gauge()

    def set_replicas(self, count):
        self.replicas = count


@pytest.fixture
async def driven():
    started = []

    def start(scale, replicas):
        app, clock = CountedApp(scale, replicas), DrivenClock()
        scaler = Scaler(app, clock)
        started.append(asyncio.create_task(scaler.run()))
        return app, clock, scaler

    yield start
    for task in started:
        task.cancel()


async def test_load_rises_and_falls_and_the_count_follows_keda(driven):
    app, clock, _ = driven(Scale(minimum=1, maximum=10, concurrency=2, cooldown=60), 1)
    counts = []
    for change in (20, 0, 0, -20, 0, 0, 0, 0, 0):
        app.gauge.add(change, clock.now())
        await clock.forward(15)
        counts.append(app.replicas)
    assert counts == [5, 10, 10, 10, 10, 10, 1, 1, 1]


async def test_mean_of_short_requests_counts_not_the_moment_of_the_evaluation(driven):
    app, clock, _ = driven(Scale(minimum=1, maximum=10, concurrency=2, cooldown=60), 1)
    await clock.forward(5)
    app.gauge.add(9, clock.now())
    await clock.forward(9)
    app.gauge.add(-9, clock.now())
    await clock.forward(1)
    assert app.replicas == 3  # 9 for 9 of 15 s is 5.4 on average


async def test_many_short_requests_count_by_the_second_as_azure_counts_them(driven):
    app, clock, _ = driven(Scale(minimum=1, maximum=10, concurrency=2, cooldown=60), 1)
    await clock.forward(1)
    for _ in range(90):
        app.gauge.add(1, clock.now())
        app.gauge.add(-1, clock.now())
    await clock.forward(14)
    assert app.replicas == 3  # 90 in 15 s are 6 at a time


async def test_from_zero_at_once_when_a_request_waits_and_back_after_the_cooldown(driven):
    app, clock, scaler = driven(Scale(minimum=0, maximum=3, concurrency=2, cooldown=60, polling=30), 0)
    await clock.forward(16)
    assert app.replicas == 0
    app.gauge.add(1, clock.now())
    scaler.wake.set()
    await clock.settle()
    assert app.replicas == 1
    app.gauge.add(-1, clock.now())
    counts = []
    for _ in range(6):
        await clock.forward(15)
        counts.append(app.replicas)
    assert counts == [1, 1, 1, 0, 0, 0]


async def test_polling_shorter_than_azures_interval_is_honoured_and_longer_is_not(driven):
    quick, clock, _ = driven(Scale(minimum=1, maximum=3, concurrency=1, polling=1), 1)
    quick.gauge.add(3, 0)
    await clock.forward(1)
    assert quick.replicas == 3
    slow, clock, _ = driven(Scale(minimum=1, maximum=3, concurrency=1, polling=120), 1)
    slow.gauge.add(3, 0)
    await clock.forward(14)
    assert slow.replicas == 1
    await clock.forward(1)
    assert slow.replicas == 3
