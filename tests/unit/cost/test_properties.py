"""What must hold of every estimate, whatever the stack and its usage: more is never cheaper, sums are sums."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reckoning import cents

from chatops.cost.estimate import Bounds, Estimate, Scenario, estimate
from chatops.cost.meter import NOTHING, Charge, Counted, Meter, Replicas
from chatops.cost.month import USUAL, Month
from chatops.cost.prices import bundled
from chatops.cost.usage import People, Said, Usage, usage_of

unhurried = settings(max_examples=60)
REGIONS = ("eastus", "westeurope", "westus2", "japaneast", "germanywestcentral")
MONTHS = tuple(Month(f"{days} days", days, 24 * days) for days in (28, 29, 30, 31))
quarters = st.integers(1, 16).map(lambda n: Decimal(n) / 4)
hours = st.integers(0, 96).map(lambda n: Decimal(n) / 4)
amounts = st.integers(0, 10**6).map(lambda n: Decimal(n) / 8)
bounds = st.tuples(st.integers(0, 5), st.integers(1, 20), st.integers(1, 50)).map(
    lambda it: Replicas(min(it[0], it[1]), it[1], it[2])
)
usages = st.builds(Usage, hours, amounts, amounts, st.none() | st.integers(0, 12).map(Decimal), amounts)
apps = st.lists(st.tuples(quarters, bounds, usages, st.booleans()), min_size=1, max_size=4)


def app(name: str, cpu: Decimal, replicas: Replicas, external: bool, region: str) -> Charge:
    found = [
        Meter("container-apps/vcpu-idle", Counted.IDLE, cpu, replicas=replicas),
        Meter("container-apps/vcpu-active", Counted.ACTIVE, cpu, replicas=replicas),
        Meter("container-apps/memory-idle", Counted.IDLE, 2 * cpu, replicas=replicas),
        Meter("container-apps/memory-active", Counted.ACTIVE, 2 * cpu, replicas=replicas),
    ]
    if external:
        found.append(Meter("container-apps/requests", Counted.REQUESTS, replicas=replicas))
    return Charge(name, name, region, tuple(found))


def month_of(
    stack: list[tuple[Decimal, Replicas, Usage, bool]], region: str, month: Month = USUAL, logs: bool = True
) -> Estimate:
    charges = [app(f"app/{n}", cpu, replicas, external, region) for n, (cpu, replicas, _, external) in enumerate(stack)]
    if logs:
        charges.append(Charge("logs", "logs", region, (Meter("logs/ingestion", Counted.LOGS, cap=Decimal(1)),)))
    usage = {f"app/{n}": it[2] for n, it in enumerate(stack)}
    return estimate(charges, bundled(), usage, region, month)


def no_less(more: Bounds, less: Bounds) -> bool:
    return more.low >= less.low and more.high >= less.high


@unhurried
@given(apps, st.sampled_from(REGIONS), st.sampled_from(MONTHS))
def test_a_total_is_the_sum_of_its_lines(stack: list, region: str, month: Month) -> None:
    found = month_of(stack, region, month)
    for scenario in Scenario:
        lines = sum((line.cost(scenario) or NOTHING for line in found.lines), NOTHING)
        saves = [grant.saves[scenario] or Bounds() for grant in found.grants]
        total = found.total(scenario)
        assert total.low == lines - sum((each.high for each in saves), NOTHING)
        assert total.high == lines - sum((each.low for each in saves), NOTHING)
        assert NOTHING <= total.low <= total.high


@unhurried
@given(apps, st.sampled_from(REGIONS), st.sampled_from(MONTHS))
def test_free_grants_never_exceed_use_and_count_once(stack: list, region: str, month: Month) -> None:
    found = month_of(stack, region, month)
    for grant in found.grants:
        covered = [line for line in found.lines if line.meter.name in grant.grant.meters]
        for scenario in Scenario:
            used = sum((line.units[scenario] for line in covered), NOTHING)
            assert grant.units[scenario] == min(used, grant.grant.units)
            worth = sum((line.cost(scenario) or NOTHING for line in covered), NOTHING)
            saved = grant.saves[scenario]
            assert saved is None or NOTHING <= saved.low <= saved.high <= worth
    assert len({grant.grant.words for grant in found.grants}) == len(found.grants)


@unhurried
@given(apps, st.sampled_from(REGIONS), st.sampled_from(MONTHS))
def test_idle_is_no_more_than_expected_and_that_no_more_than_busy(stack: list, region: str, month: Month) -> None:
    found = month_of(stack, region, month)
    idle, expected, busy = (found.total(scenario) for scenario in Scenario)
    assert no_less(expected, idle)
    assert no_less(busy, expected)


@unhurried
@given(apps, st.sampled_from(REGIONS), st.data())
def test_more_is_never_cheaper(stack: list, region: str, data: st.DataObject) -> None:
    cpu, replicas, usage, external = stack[0]
    before = month_of(stack, region)
    larger = {
        "cpu": (cpu + Decimal("0.25"), replicas, usage, external),
        "minimum": (cpu, Replicas(min(replicas.minimum + 1, replicas.maximum), *_rest(replicas)), usage, external),
        "maximum": (cpu, Replicas(replicas.minimum, replicas.maximum + 1, replicas.concurrency), usage, external),
        "hours": (cpu, replicas, _used(usage, hours=min(usage.hours + 1, Decimal(24))), external),
        "replicas": (cpu, replicas, _used(usage, replicas=(usage.replicas or NOTHING) + 1), external),
        "requests": (cpu, replicas, _used(usage, requests=usage.requests + 1000), external),
        "logs": (cpu, replicas, _used(usage, logs_gb=usage.logs_gb + 1), external),
        "at a time": (cpu, replicas, _used(usage, at_a_time=usage.at_a_time + 1), external),
    }
    what = data.draw(st.sampled_from(sorted(larger)))
    if what == "replicas" and usage.replicas is None:
        stack = [(cpu, replicas, _used(usage, replicas=NOTHING), external), *stack[1:]]
        before = month_of(stack, region)
    after = month_of([larger[what], *stack[1:]], region)
    for scenario in Scenario:
        assert no_less(after.total(scenario), before.total(scenario)), what


def _rest(replicas: Replicas) -> tuple[int, int]:
    return replicas.maximum, replicas.concurrency


def _used(usage: Usage, **changed: Decimal) -> Usage:
    return Usage(**{**vars(usage), **changed})


@unhurried
@given(apps, st.sampled_from(REGIONS))
def test_a_longer_month_is_never_cheaper(stack: list, region: str) -> None:
    months = [month_of(stack, region, month) for month in MONTHS]
    for shorter, longer in pairwise(months):
        for scenario in Scenario:
            assert no_less(longer.total(scenario), shorter.total(scenario))


@unhurried
@given(st.lists(apps, min_size=1, max_size=3), st.sampled_from(REGIONS))
def test_stacks_in_one_subscription_share_one_grant(stacks: list, region: str) -> None:
    """Together they cost no less than apart, where each would have the grants for itself."""
    together = month_of([it for stack in stacks for it in stack], region, logs=False)
    apart = [month_of(stack, region, logs=False) for stack in stacks]
    for scenario in Scenario:
        for bound in ("low", "high"):
            parts = sum((vars(each.total(scenario))[bound] for each in apart), NOTHING)
            assert vars(together.total(scenario))[bound] >= parts


@unhurried
@given(st.integers(0, 500), st.integers(0, 24))
def test_more_people_ask_more(users: int, hours_: int) -> None:
    few, many = (usage_of(People(Decimal(n), Decimal(hours_)), Said()) for n in (users, users + 1))
    assert many.requests >= few.requests
    assert many.at_a_time >= few.at_a_time
    assert many.logs_gb >= few.logs_gb


def test_a_missing_price_is_unknown_and_the_total_says_so() -> None:
    replicas = Replicas(1, 2, 10)
    usage = Usage(Decimal(8), Decimal(100), Decimal(1))
    found = month_of([(Decimal("0.5"), replicas, usage, True)], "germanywestcentral")
    app_lines = found.of("app/0")
    assert [line.cost(Scenario.EXPECTED) for line in app_lines] == [None] * 5
    assert found.at_least(Scenario.EXPECTED)
    assert not month_of([(Decimal("0.5"), replicas, usage, True)], "eastus").at_least(Scenario.EXPECTED)


def test_nobody_comes_and_everything_sleeps() -> None:
    """Then apps cost nothing, even where their price is unknown."""
    asleep = [(Decimal(2), Replicas(0, 5, 10), Usage(NOTHING, NOTHING, NOTHING), False)]
    for region in REGIONS:
        found = month_of(asleep, region)
        assert found.total(Scenario.EXPECTED) == Bounds()
        assert not found.at_least(Scenario.EXPECTED)


@pytest.mark.parametrize(("days", "cost"), [(28, "16.80"), (29, "17.40"), (30, "18.00"), (31, "18.60")])
def test_hours_of_real_months(days: int, cost: str) -> None:
    charge = Charge("env", "env", "eastus", (Meter("load-balancer/rules", Counted.HOURS),))
    found = estimate([charge], bundled(), {}, "eastus", Month("a month", days, 24 * days))
    assert cents(found.total(Scenario.IDLE).high) == cost
