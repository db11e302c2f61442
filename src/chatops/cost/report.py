"""An estimate made ready to be shown: rows with subtotals, what is unknown, what is taken for granted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from chatops.cost.estimate import Bounds, Estimate, GrantLine, Line, Scenario
from chatops.cost.meter import NOTHING, UNPRICED, Charge

NOT_COUNTED = (
    "traffic (100 GB a month out of Azure are free; a GB through the load balancer is $0.005), DNS look-ups, "
    "image builds in the registry, taxes, support plans and discounts"
)


@dataclass(frozen=True)
class Amount:
    """Money in one scenario: `partial` where a part has no price (then it is at least so much), `unknown` where all."""

    bounds: Bounds
    partial: bool = False
    unknown: bool = False


Amounts = Mapping[Scenario, Amount]


@dataclass(frozen=True)
class Detail:
    """One meter of a resource: its price for `unit`, and how many units an expected month has."""

    words: str
    price: Decimal | None
    unit: str
    units: Decimal
    amounts: Amounts


@dataclass(frozen=True)
class Row:
    """One resource with its meters, or one grant, which has none."""

    address: str
    label: str
    amounts: Amounts
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """One stack's month, ready to be shown."""

    title: str
    region: str
    month: str
    currency: str
    rows: tuple[Row, ...]
    grants: tuple[Row, ...]
    granted: Amounts
    total: Amounts
    unknown: tuple[str, ...]
    free: tuple[str, ...]
    doubtful: tuple[str, ...]
    remarks: tuple[str, ...]
    dated: tuple[date | None, date | None]


@dataclass(frozen=True)
class CostReport:
    """What `chatops cost` shows: one sheet in full or several side by side, and advice (words, and what it saves)."""

    sheets: tuple[Sheet, ...]
    savings: tuple[tuple[str, Decimal], ...]
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]


def sheet(title: str, estimate: Estimate, charges: Sequence[Charge]) -> Sheet:
    """Return an estimate as rows, in the order of the charges."""
    rows = [_row(charge, estimate.of(charge.address)) for charge in charges if charge.meters]
    dates = sorted(price.as_of for price in estimate.prices if price.as_of is not None)
    return Sheet(
        title=title,
        region=estimate.region,
        month=estimate.month.name,
        currency=estimate.currency,
        rows=tuple(row for row in rows if row.details),
        grants=tuple(_grant(grant) for grant in estimate.grants),
        granted={scenario: _all(_saves(grant.saves[scenario]) for grant in estimate.grants) for scenario in Scenario},
        total={scenario: Amount(estimate.total(scenario), estimate.at_least(scenario)) for scenario in Scenario},
        unknown=tuple(dict.fromkeys(_unknown(line) for line in estimate.unknown)),
        free=tuple(dict.fromkeys(_kind(charge.label) for charge in charges if not charge.meters)),
        doubtful=tuple(_doubt(line) for line in estimate.doubtful),
        remarks=(*_noted(estimate.lines), *_shared(estimate.grants)),
        dated=(dates[0], dates[-1]) if dates else (None, None),
    )


def _kind(label: str) -> str:
    """Return a label without the resource's name."""
    return label.split(" '")[0]


def _unknown(line: Line) -> str:
    return _kind(line.label) if line.meter in UNPRICED else line.words


def _row(charge: Charge, lines: Sequence[Line]) -> Row:
    details = tuple(_detail(line) for line in lines if any(line.units.values()) or line.price)
    amounts = {scenario: _sum(lines, scenario) for scenario in Scenario}
    return Row(charge.address, charge.label, amounts, details)


def _detail(line: Line) -> Detail:
    amounts = {scenario: _sum([line], scenario) for scenario in Scenario}
    price, unit = (line.price.price, line.price.unit) if line.price else (None, "")
    return Detail(line.words, price, unit, line.units[Scenario.EXPECTED], amounts)


def _sum(lines: Iterable[Line], scenario: Scenario) -> Amount:
    costs = [line.cost(scenario) for line in lines if line.units[scenario]]
    known = [cost for cost in costs if cost is not None]
    total = sum(known, NOTHING)
    return Amount(Bounds(total, total), len(known) < len(costs), bool(costs) and not known)


def _grant(line: GrantLine) -> Row:
    amounts = {scenario: _saves(line.saves[scenario]) for scenario in Scenario}
    return Row("", f"free: {line.grant.words}", amounts)


def _noted(lines: Iterable[Line]) -> Iterator[str]:
    yield from dict.fromkeys(f"{line.words}: {line.meter.note}" for line in lines if line.meter.note)


def _shared(grants: Sequence[GrantLine]) -> Iterator[str]:
    for scope in dict.fromkeys(line.grant.scope for line in grants):
        names = " and ".join(line.grant.words for line in grants if line.grant.scope == scope)
        yield f"{names} are free each month, once for all that a {scope} has"


def _saves(saved: Bounds | None) -> Amount:
    return Amount(Bounds(), unknown=True) if saved is None else Amount(Bounds(-saved.high, -saved.low))


def _all(amounts: Iterable[Amount]) -> Amount:
    found = list(amounts)
    total = sum((each.bounds for each in found), Bounds())
    return Amount(total, any(each.unknown for each in found), bool(found) and all(each.unknown for each in found))


def _doubt(line: Line) -> str:
    cost = line.cost(Scenario.EXPECTED)
    worth = "at a price that is not known here" if cost is None else f"${cost:,.2f} a month"
    return f"{line.words}, {worth}: {line.meter.note}"
