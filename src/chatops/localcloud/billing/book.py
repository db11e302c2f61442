"""Azure's list prices as chatops bundles them: the same files that estimates are made from, read as data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "cost" / "prices"
GLOBAL = "Global"
COUNTS = {"10K": 10_000, "1M": 1_000_000}
"""Units of measure that are many -> how many of what is counted; all others are one."""


@dataclass(frozen=True)
class Meter:
    """One meter of the retail price list; `name` is the price book's own."""

    name: str
    service: str
    product: str
    sku: str
    meter: str
    unit: str
    everywhere: bool
    arm_sku: str = ""

    @property
    def of(self) -> int:
        """How many counted things one unit is."""
        return COUNTS.get(self.unit, 1)


@dataclass(frozen=True)
class Grant:
    """Units that are free each month, of these meters together."""

    meters: tuple[str, ...]
    units: Decimal


@dataclass(frozen=True)
class Book:
    """Meters by name, prices of one unit by meter and region, and what is free."""

    meters: dict[str, Meter]
    prices: dict[tuple[str, str], Decimal]
    dates: dict[tuple[str, str], str | None]
    grants: tuple[Grant, ...]

    def price(self, meter: str, region: str) -> Decimal | None:
        """The price of one counted thing in US dollars, None when the book has none for that region."""
        known = self.meters.get(meter)
        if known is None:
            return None
        price = self.prices.get((meter, GLOBAL if known.everywhere else region))
        return None if price is None else price / known.of


@cache
def book() -> Book:
    """The bundled prices."""
    meters, snapshot = _json("meters"), _json("snapshot")
    rows = {(row["meter"], row["region"]): row for row in snapshot["prices"]}
    return Book(
        {row["name"]: _meter(row) for row in meters["meters"]},
        {key: Decimal(row["price"]) for key, row in rows.items()},
        {key: row["as_of"] for key, row in rows.items()},
        tuple(Grant(tuple(row["meters"]), Decimal(row["units"])) for row in meters["grants"]),
    )


def _meter(row: dict[str, Any]) -> Meter:
    words = str(row["name"]).rpartition("/")[2]
    return Meter(
        name=row["name"],
        service=row["service"],
        product=row["products"][0],
        sku=row.get("sku") or words,
        meter=row.get("meter") or words,
        unit=row["unit"],
        everywhere=row.get("where") == "global",
        arm_sku=row.get("arm_sku") or "",
    )


def _json(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
