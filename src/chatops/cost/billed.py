"""What was billed, beside what was estimated for the same time: resource by resource, and why they differ.

Quantities are what explains: they are the same before and after free grants, whoever takes those off where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from chatops.cost.estimate import Estimate, Line, Scenario
from chatops.cost.meter import NOTHING
from chatops.cost.prices import UNITS, Prices
from chatops.cost.report import Amount

EXPECTED = Scenario.EXPECTED
NOTEWORTHY = Decimal("0.1")
"""A quantity that is off by less than this part of what was expected explains nothing."""


@dataclass(frozen=True)
class Item:
    """One row of the bill: how many of the price list's units of a meter a resource used, and its cost, if known."""

    resource: str
    meter: str
    units: Decimal
    cost: Decimal | None


@dataclass(frozen=True)
class Quantity:
    """Counted things of one meter (seconds, hours, requests): as billed and as expected."""

    words: str
    billed: Decimal
    expected: Decimal

    @property
    def explains(self) -> bool:
        most = max(abs(self.billed), abs(self.expected))
        return abs(self.billed - self.expected) > most * NOTEWORTHY


@dataclass(frozen=True)
class Beside:
    """One resource (or what is none of the stack's) on the bill and in the estimate, before grants.

    `unpriced` meters were used and have no cost on the bill; `estimated` is None where the estimate has no price.
    """

    label: str
    billed: Decimal
    estimated: Decimal | None
    quantities: tuple[Quantity, ...]
    unpriced: tuple[str, ...] = ()

    @property
    def why(self) -> tuple[Quantity, ...]:
        return tuple(quantity for quantity in self.quantities if quantity.explains)


@dataclass(frozen=True)
class Statement:
    """The whole bill beside the whole estimate: of which stack, for what time, asked when, in which currencies."""

    stack: str
    span: tuple[datetime, datetime]
    asked: datetime
    currencies: Sequence[str]
    rows: Sequence[Beside]
    expected: Estimate

    @property
    def billed(self) -> Decimal:
        return sum((row.billed for row in self.rows), NOTHING)

    @property
    def partial(self) -> bool:
        return any(row.unpriced for row in self.rows)

    @property
    def estimated(self) -> Amount:
        return Amount(self.expected.total(EXPECTED), partial=self.expected.at_least(EXPECTED))


def compare(items: Iterable[Item], owners: Mapping[str, str], estimate: Estimate, prices: Prices) -> list[Beside]:
    """Lay the bill beside the estimate. `owners` has the address of each resource by its id in lower case."""
    by_address: dict[str, list[Item]] = {line.address: [] for line in estimate.lines}
    for item in items:
        by_address.setdefault(owners.get(item.resource, item.resource), []).append(item)
    return [_beside(address, ours, estimate.of(address), prices) for address, ours in by_address.items()]


def _beside(address: str, items: Sequence[Item], lines: Sequence[Line], prices: Prices) -> Beside:
    costs = [line.cost(EXPECTED) for line in lines]
    known = [cost for cost in costs if cost is not None]
    return Beside(
        label=lines[0].label if lines else address,
        billed=sum((item.cost or NOTHING for item in items), NOTHING),
        estimated=sum(known, NOTHING) if len(known) == len(costs) else None,
        quantities=tuple(_quantities(items, lines, prices)),
        unpriced=tuple(sorted({item.meter for item in items if item.cost is None and item.units})),
    )


def _quantities(items: Sequence[Item], lines: Sequence[Line], prices: Prices) -> Iterable[Quantity]:
    expected = {prices.definitions[line.meter.name].meter: line for line in lines}
    for meter in dict.fromkeys([*expected, *(item.meter for item in items)]):
        line = expected.get(meter)
        units = sum((item.units for item in items if item.meter == meter), NOTHING)
        of = UNITS[prices.definitions[line.meter.name].unit] if line else 1
        yield Quantity(line.words if line else str(meter), units * of, line.units[EXPECTED] if line else NOTHING)
