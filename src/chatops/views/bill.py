"""What a plan does to the month's cost, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatops.cost.change import Bill, Change
from chatops.cost.estimate import Bounds, Scenario
from chatops.views.money import CENT, cents, signed

LOCALLY = "locally nothing is billed: this is what Azure would bill"


def by(change: Change) -> str:
    """Return what one step adds to an expected month: "+$12.30 a month"; empty where it changes nothing."""
    if abs(change.expected) < CENT / 2:
        return "cost unknown" if change.unknown else ""
    return f"{signed(change.expected)}{' and more that has no price' if change.unknown else ''} a month"


def in_words(bill: Bill) -> Iterator[str]:
    """Return the lines under a plan: the sum, the months it lies between, and what is not known."""
    yield in_a_sentence(bill)
    after = bill.after
    spans = [f"{scenario.value} {_bounds(after.total(scenario))}" for scenario in Scenario]
    least = " at least, for some prices are unknown" if after.unknown else ""
    yield f"the whole stack then: {', '.join(spans)} a month{least} (chatops cost says more)"


def in_a_sentence(bill: Bill) -> str:
    """Return the change of the expected month: "+$59.20 a month in Azure's list prices"."""
    more = bill.more(Scenario.EXPECTED)
    least = "at least " if bill.at_least and more.high > 0 else ""
    low, high = signed(more.low), signed(more.high)
    change = low if low == high else f"{low} to {high}"
    said = f"cost: {least}{change} a month, expected, in list prices"
    return said if bill.billed else f"{said}; {LOCALLY}"


def as_data(bill: Bill) -> dict[str, Any]:
    """Return the bill for programs: dollars a month."""
    return {
        "currency": bill.after.currency,
        "billed": bill.billed,
        "before": {scenario.value: _data(bill.before.total(scenario)) for scenario in Scenario},
        "after": {scenario.value: _data(bill.after.total(scenario)) for scenario in Scenario},
        "at_least": bool(bill.after.unknown),
        "steps": {
            address: {"expected": float(round(change.expected, 4)), "unknown": change.unknown}
            for address, change in bill.changes.items()
        },
    }


def _bounds(bounds: Bounds) -> str:
    low, high = cents(bounds.low), cents(bounds.high)
    return low if low == high else f"{low} to {high}"


def _data(bounds: Bounds) -> dict[str, float]:
    return {"low": float(round(bounds.low, 4)), "high": float(round(bounds.high, 4))}
