"""The arithmetic: meters, usage and prices become lines, free grants and totals of a month. Decimal throughout.

Three scenarios: `idle` (nobody comes, the minimum of replicas runs), `expected` (the usage) and `busy` (every app at
its maximum all month, logs up to their cap: the most that it can cost). What has no price stays unknown, and then a
total says "at least". Azure does not document whether a free grant is used up by idle or by active seconds first, which
differ in price: what depends on it has bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from chatops.cost.meter import NOTHING, Charge, Counted, Meter
from chatops.cost.month import USUAL, Month
from chatops.cost.prices import CURRENCY, Grant, Price, Prices
from chatops.cost.usage import ANSWER_SECONDS, IMAGES_GB, NONE, Usage

HOUR = 3600
FINEST = Decimal("1e-9")
"""Of a unit that is billed; so that sums are exact in spite of thirds."""


class Scenario(StrEnum):
    """How busy a month is."""

    IDLE = "idle"
    EXPECTED = "expected"
    BUSY = "busy"


@dataclass(frozen=True)
class Bounds:
    """An amount of money that lies between two others, often the same."""

    low: Decimal = NOTHING
    high: Decimal = NOTHING

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Bounds) -> Bounds:
        """Return how far this lies above the other, when both are bound by the same unknown order."""
        return Bounds(*sorted((self.low - other.low, self.high - other.high)))


@dataclass(frozen=True)
class Line:
    """One meter of one resource; `units` are billable: what comes with the resource is off, shared grants are not."""

    address: str
    label: str
    meter: Meter
    words: str
    price: Price | None
    units: Mapping[Scenario, Decimal]

    def cost(self, scenario: Scenario) -> Decimal | None:
        """Return what it costs before grants, None when nobody knows."""
        units = self.units[scenario]
        if not units:
            return NOTHING
        return None if self.price is None else units * self.price.each

    @property
    def unknown(self) -> bool:
        return self.price is None and any(self.units.values())


@dataclass(frozen=True)
class GrantLine:
    """What a free grant takes off. `saves` is None where the price of what it covers is unknown."""

    grant: Grant
    units: Mapping[Scenario, Decimal]
    saves: Mapping[Scenario, Bounds | None]


@dataclass(frozen=True)
class Estimate:
    """A stack's month. `doubtful` lines are told but not part of any total."""

    region: str
    month: Month
    lines: tuple[Line, ...]
    grants: tuple[GrantLine, ...]
    doubtful: tuple[Line, ...] = ()
    currency: str = CURRENCY

    def total(self, scenario: Scenario) -> Bounds:
        """Return the sum of all known lines and grants: the least that is known, where a line is unknown."""
        gross = sum((line.cost(scenario) or NOTHING for line in self.lines), NOTHING)
        saved = (grant.saves[scenario] or Bounds() for grant in self.grants)
        return sum((Bounds(-each.high, -each.low) for each in saved), Bounds(gross, gross))

    @property
    def unknown(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.unknown)

    def at_least(self, scenario: Scenario) -> bool:
        """Tell whether something of this scenario has no price."""
        return any(line.cost(scenario) is None for line in self.lines)

    def of(self, address: str) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.address == address)

    @property
    def prices(self) -> set[Price]:
        return {line.price for line in self.lines if line.price is not None}


def estimate(
    charges: Sequence[Charge], prices: Prices, usage: Mapping[str, Usage], region: str, month: Month = USUAL
) -> Estimate:
    """Return what the charged resources cost in a month. `usage` goes by address ("app/ui")."""
    volumes = _Volumes(month, {charge.address: usage.get(charge.address, NONE) for charge in charges})
    lines = [_line(charge, meter, prices, volumes) for charge in charges for meter in charge.meters]
    counted = tuple(line for line in lines if not line.meter.doubtful)
    grants = (_granted(grant, counted) for grant in prices.grants)
    used = tuple(grant for grant in grants if any(grant.units.values()))
    return Estimate(region, month, counted, used, tuple(line for line in lines if line.meter.doubtful), prices.currency)


def _line(charge: Charge, meter: Meter, prices: Prices, volumes: _Volumes) -> Line:
    units = {scenario: volumes.billable(scenario, charge.address, meter) for scenario in Scenario}
    price = prices.of(meter.name, charge.region)
    return Line(charge.address, charge.label, meter, prices.words(meter.name), price, units)


@dataclass(frozen=True)
class _Volumes:
    """How much of everything a month brings."""

    month: Month
    usage: Mapping[str, Usage]

    def billable(self, scenario: Scenario, address: str, meter: Meter) -> Decimal:
        counted = self._counted(scenario, self.usage[address], meter)
        return max(counted * meter.amount - meter.included, NOTHING).quantize(FINEST)

    def _counted(self, scenario: Scenario, usage: Usage, meter: Meter) -> Decimal:
        match meter.counted:
            case Counted.HOURS:
                return Decimal(self.month.hours)
            case Counted.DAYS:
                return Decimal(self.month.days)
            case Counted.MONTHS:
                return Decimal(self.month.months)
            case Counted.IMAGES:
                return IMAGES_GB
            case Counted.LOGS:
                return self._logs(scenario, meter.cap)
            case Counted.REQUESTS:
                return self._requests(scenario, usage, meter)
            case Counted.IDLE | Counted.ACTIVE:
                return self._seconds(scenario, usage, meter)

    def _seconds(self, scenario: Scenario, usage: Usage, meter: Meter) -> Decimal:
        bounds, whole = meter.replicas, self.month.seconds
        working = {
            Scenario.IDLE: NOTHING,
            Scenario.EXPECTED: usage.hours * HOUR * self.month.days,
            Scenario.BUSY: whole,
        }[scenario]
        if meter.counted is Counted.IDLE:
            return (whole - working) * bounds.minimum
        return working * (bounds.maximum if scenario is Scenario.BUSY else usage.replicas_of(bounds))

    def _requests(self, scenario: Scenario, usage: Usage, meter: Meter) -> Decimal:
        expected = usage.requests * self.month.days
        most = self.month.seconds * meter.replicas.maximum * meter.replicas.concurrency / ANSWER_SECONDS
        return {Scenario.IDLE: NOTHING, Scenario.EXPECTED: expected, Scenario.BUSY: max(expected, most)}[scenario]

    def _logs(self, scenario: Scenario, cap: Decimal | None) -> Decimal:
        expected = sum((usage.logs_gb for usage in self.usage.values()), NOTHING) * self.month.days / 30
        if cap is None or scenario is Scenario.IDLE:
            return NOTHING if scenario is Scenario.IDLE else expected
        most = cap * self.month.days
        return most if scenario is Scenario.BUSY else min(expected, most)


def _granted(grant: Grant, lines: Iterable[Line]) -> GrantLine:
    covered = [line for line in lines if line.meter.name in grant.meters]
    units = {s: min(grant.units, sum((line.units[s] for line in covered), NOTHING)) for s in Scenario}
    return GrantLine(grant, units, {scenario: _saved(units[scenario], covered, scenario) for scenario in Scenario})


def _saved(units: Decimal, covered: Sequence[Line], scenario: Scenario) -> Bounds | None:
    used = [(line.price, line.units[scenario]) for line in covered if line.units[scenario]]
    known = sorted((price.each, count) for price, count in used if price is not None)
    if len(known) < len(used):
        return None
    return Bounds(_first(units, known), _first(units, known[::-1]))


def _first(units: Decimal, in_order: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    """Return the worth of so many free units when they are used up in this order of (price, units)."""
    worth = NOTHING
    for price, count in in_order:
        taken = min(units, count)
        worth, units = worth + taken * price, units - taken
    return worth
