"""The scaling rules as a table, and the loop that applies them under a clock that the test drives."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from chatops.localcloud.runtime.rules import Load, Wish
from chatops.localcloud.runtime.scaler import Gauge, Sample, Scaler, desired, needed, sleeps
from chatops.localcloud.runtime.spec import Cron, Scale, Utilization

pytestmark = pytest.mark.anyio

NOW = 1000.0
MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
OFFICE = Cron("Europe/Berlin", "0 8 * * MON-FRI", "0 18 * * MON-FRI", 4)
NIGHT = Cron("UTC", "0 22 * * *", "0 6 * * *", 3)
CPU, MEMORY = Utilization("cpu", 70), Utilization("memory", 80)


def counts():
    """(what, scale, [(seconds ago, requests at a time)], current, expected)."""
    ten = Scale(minimum=1, maximum=10, concurrency=10)
    two = Scale(minimum=1, maximum=5, concurrency=2)
    zero = Scale(minimum=0, maximum=10, concurrency=10)
    wide = Scale(minimum=0, maximum=100, concurrency=1)
    short = Scale(minimum=0, maximum=10, concurrency=10, cooldown=30)
    long = Scale(minimum=0, maximum=10, concurrency=10, cooldown=900)
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
        ("from none whatever came before", zero, [(10, 5), (0, 0)], 0, 0),
        ("the last goes when nothing came for the cool-down", zero, [(300, 5), (0, 0)], 1, 0),
        ("the last does not go yet", zero, [(299, 5), (0, 0)], 1, 1),
        ("the last goes after a short cool-down", short, [(30, 5), (0, 0)], 1, 0),
        ("the last waits for a long cool-down", long, [(899, 5), (0, 0)], 1, 1),
        ("a short cool-down does not hurry the others", short, [(299, 45), (31, 0), (0, 0)], 5, 5),
        ("a long cool-down does not hold the others", long, [(301, 45), (290, 10), (0, 0)], 5, 1),
        ("the others go to one, never at once to none", zero, [(600, 45), (301, 45), (0, 0)], 5, 1),
        ("the moment of a cold start counts", zero, [(10, 1e-9), (0, 0)], 1, 1),
        ("scale in waits for the highest recent need", ten, [(200, 45), (100, 25), (0, 5)], 6, 5),
        ("scale in follows when the peak is past", ten, [(301, 45), (100, 25), (0, 5)], 5, 3),
        ("scale in to the minimum at last", ten, [(301, 45), (0, 5)], 5, 1),
        ("scale in by all at once", Scale(1, 100, 1), [(301, 64), (0, 2)], 64, 2),
        ("scale in never adds", ten, [(200, 90), (0, 5)], 6, 6),
        ("need equal to current stays", ten, [(200, 90), (0, 60)], 6, 6),
        ("a dip does not matter", ten, [(30, 50), (15, 0), (0, 50)], 5, 5),
        ("below a raised minimum at once", Scale(4, 10, 10), [(0, 0)], 1, 4),
        ("above a lowered maximum at once", Scale(1, 3, 10), [(0, 90)], 8, 3),
        ("above a lowered maximum without load", Scale(1, 3, 10), [(10, 90), (0, 0)], 8, 3),
        ("no sample yet keeps what is there", ten, [], 3, 3),
        ("no sample yet within bounds", ten, [], 30, 10),
        ("no sample yet from none", ten, [], 0, 1),
        ("fixed size ignores load", Scale(2, 2, 1), [(0, 99)], 2, 2),
    ]


@pytest.mark.parametrize(("what", "scale", "seen", "current", "expected"), counts())
def test_count(what, scale, seen, current, expected):
    wishes = [(ago, needed(scale, Load(load), current, MONDAY)) for ago, load in seen]
    samples = [Sample(NOW - ago, wish.replicas, wish.active) for ago, wish in wishes]
    assert desired(scale, samples, current, NOW) == expected, what


def wishes():
    """(what, concurrency, rules, load, current, moment, expected)."""
    evening, sunday = MONDAY + timedelta(hours=8), MONDAY - timedelta(days=1)
    return [
        ("cpu above its target", None, (CPU,), Load(0, cpu=1.4), 2, MONDAY, Wish(4, False)),
        ("cpu below its target", None, (CPU,), Load(0, cpu=0.35), 4, MONDAY, Wish(2, False)),
        ("cpu a tenth above is near enough", None, (CPU,), Load(0, cpu=0.769), 3, MONDAY, Wish(3, False)),
        ("cpu a tenth below is near enough", None, (CPU,), Load(0, cpu=0.631), 3, MONDAY, Wish(3, False)),
        ("cpu rounds up", None, (CPU,), Load(0, cpu=0.8), 3, MONDAY, Wish(4, False)),
        ("cpu idle", None, (CPU,), Load(0), 3, MONDAY, Wish(0, False)),
        ("memory above its target", None, (MEMORY,), Load(0, memory=1.2), 2, MONDAY, Wish(3, False)),
        ("memory does not see cpu", None, (MEMORY,), Load(0, cpu=9.0, memory=0.8), 2, MONDAY, Wish(2, False)),
        ("in office hours", None, (OFFICE,), Load(0), 1, MONDAY, Wish(4, True)),
        ("after office hours", None, (OFFICE,), Load(0), 4, evening, Wish(1, False)),
        ("at the weekend", None, (OFFICE,), Load(0), 4, sunday, Wish(1, False)),
        ("by the zone's time, not ours", None, (OFFICE,), Load(0), 1, MONDAY.replace(hour=7, minute=1), Wish(4, True)),
        ("before the zone's start", None, (OFFICE,), Load(0), 1, MONDAY.replace(hour=6, minute=59), Wish(1, False)),
        ("over midnight", None, (NIGHT,), Load(0), 1, MONDAY.replace(hour=2), Wish(3, True)),
        ("by day", None, (NIGHT,), Load(0), 1, MONDAY, Wish(1, False)),
        ("requests win", 2, (CPU, OFFICE), Load(20, cpu=0.7), 3, MONDAY, Wish(10, True)),
        ("cpu wins", 10, (CPU, OFFICE), Load(20, cpu=2.1), 3, MONDAY, Wish(9, True)),
        ("the schedule wins", 10, (CPU, OFFICE), Load(0), 3, MONDAY, Wish(4, True)),
        ("no rule at all", None, (), Load(7), 3, MONDAY, Wish(0, False)),
    ]


@pytest.mark.parametrize(("what", "concurrency", "rules", "load", "current", "moment", "expected"), wishes())
def test_need(what, concurrency, rules, load, current, moment, expected):
    assert needed(Scale(0, 10, concurrency, rules=rules), load, current, moment) == expected, what


@pytest.mark.parametrize(
    ("scale", "may_sleep"),
    [
        (Scale(0, 5), True),
        (Scale(1, 5), False),
        (Scale(0, 5, None, rules=(OFFICE,)), True),
        (Scale(0, 5, None, rules=(CPU, MEMORY)), False),
        (Scale(0, 5, 10, rules=(CPU,)), True),
    ],
)
def test_only_what_can_be_woken_may_sleep(scale, may_sleep):
    assert sleeps(scale) is may_sleep
    quiet = [Sample(NOW, 0, False)]
    assert desired(scale, quiet, 1, NOW) == (0 if may_sleep else 1)


class DrivenClock:
    """Time moves only when the test says so; waiting ends when the time has come or the event is set."""

    def __init__(self):
        self.time = 0.0
        self._moved = asyncio.Event()
        self.waiting = asyncio.Event()

    def now(self):
        return self.time

    def date(self):
        return MONDAY + timedelta(seconds=self.time)

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
        self.cpu = 0.0
        self.gauge = Gauge()

    def set_replicas(self, count):
        self.replicas = count

    async def measure(self, requests):
        return Load(requests, self.cpu)


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
    for change in (20, 0, 0, -20, *[0] * 20):
        app.gauge.add(change, clock.now())
        await clock.forward(15)
        counts.append(app.replicas)
    assert counts == [5, *[10] * 21, 1, 1]  # 20 evaluations after the last one with load


async def test_cpu_is_looked_at_every_time_and_a_busy_revision_grows(driven):
    app, clock, _ = driven(Scale(minimum=0, maximum=10, concurrency=None, rules=(CPU,)), 1)
    counts = []
    for cpu in (1.4, 1.4, 0.7, 0.0):
        app.cpu = cpu
        await clock.forward(15)
        counts.append(app.replicas)
    assert counts == [2, 4, 4, 4]


async def test_a_schedule_wakes_and_lets_sleep(driven):
    rule = Cron("UTC", "31 9 * * *", "33 9 * * *", 3)  # it is 9:30
    app, clock, _ = driven(Scale(minimum=0, maximum=10, concurrency=None, cooldown=60, rules=(rule,)), 0)
    counts = []
    for _ in range(36):
        await clock.forward(15)
        counts.append(app.replicas)
    assert counts[:6] == [0, 0, 0, 1, 3, 3]
    assert counts.index(1, 4) == 30  # 300 s after the last evaluation within: the others go
    assert counts[-1] == 0  # and a minute without activity was over long before


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
