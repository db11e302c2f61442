"""The price book: a dated snapshot with a source for every row. What it does not have is unknown: never 0, and never
another region's price.

`prices/meters.json` says which meter of the retail price list each name is, and what is free of it each month;
`prices/snapshot.json` has the prices; `prices/regions.json` Azure's regions. A refresh lays newer rows over them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from chatops.errors import ChatopsError, UsageError

CURRENCY = "USD"
GLOBAL = "Global"
OLD_DAYS = 365
UNITS = {
    "1 Second": 1,
    "1 GiB Second": 1,
    "1 Hour": 1,
    "1/Day": 1,
    "1 GB": 1,
    "1 GB/Month": 1,
    "1": 1,
    "10K": 10_000,
    "1M": 1_000_000,
}
"""The retail price list's units of measure, and how many of what is counted one of them is."""


@dataclass(frozen=True)
class Definition:
    """Which meter of the retail price list a name is. All of these have to fit exactly; `products` are alternatives."""

    name: str
    words: str
    service: str
    products: tuple[str, ...]
    unit: str
    sku: str | None = None
    meter: str | None = None
    arm_sku: str | None = None
    where: str = "region"

    def region(self, home: str) -> str:
        """Return the region that the price list knows it under: some prices hold for all of Azure."""
        return GLOBAL if self.where == "global" else home


@dataclass(frozen=True)
class Grant:
    """What is free each month, once for all resources of one `scope`: so many units of these meters together."""

    words: str
    meters: tuple[str, ...]
    units: Decimal
    scope: str
    source: str


@dataclass(frozen=True)
class Price:
    """One row: the price of one `unit` in US dollars, who says so, when (None: they don't say), how far to trust it.

    `confidence`: retail (the price list itself answered), quoted (somebody quotes its answer), golden (another tool's
    recorded result), derived (calculated from another row, the source says how).
    """

    meter: str
    region: str
    price: Decimal
    unit: str
    as_of: date | None
    confidence: str
    source: str

    @property
    def each(self) -> Decimal:
        """The price of one counted thing."""
        return self.price / UNITS[self.unit]


@dataclass(frozen=True)
class Prices:
    """A price book. `notes` tell what is wrong with it."""

    rows: Mapping[tuple[str, str], Price]
    definitions: Mapping[str, Definition]
    grants: tuple[Grant, ...]
    notes: tuple[str, ...] = ()
    currency: str = CURRENCY

    def of(self, meter: str, region: str) -> Price | None:
        """Return the price of a meter in a region, None when it is not known."""
        definition = self.definitions.get(meter)
        return self.rows.get((meter, definition.region(region))) if definition else None

    def words(self, meter: str) -> str:
        return self.definitions[meter].words if meter in self.definitions else meter.rpartition("/")[2]

    def over(self, newer: Iterable[Price], *notes: str) -> Prices:
        """Return this book with other rows laid over it."""
        return replace(self, rows={**self.rows, **{(p.meter, p.region): p for p in newer}}, notes=(*self.notes, *notes))


@cache
def bundled() -> Prices:
    """Return the book that comes with chatops."""
    meters = _json("meters.json")
    definitions = {row["name"]: Definition(**{**row, "products": tuple(row["products"])}) for row in meters["meters"]}
    grants = [
        Grant(row["words"], tuple(row["meters"]), Decimal(row["units"]), row["scope"], row["source"])
        for row in meters["grants"]
    ]
    rows = read_rows(_json("snapshot.json"), definitions)
    return Prices({(price.meter, price.region): price for price in rows}, definitions, tuple(grants))


def read_rows(document: Any, definitions: Mapping[str, Definition]) -> list[Price]:
    """Read a snapshot. Raises ChatopsError for whatever is no price of a known meter in US dollars."""
    try:
        if document["currency"] != CURRENCY:
            raise ValueError(f"prices in {document['currency']}, not {CURRENCY}")
        return [_row(row, definitions) for row in document["prices"]]
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise ChatopsError(f"reading a price snapshot: {type(error).__name__}: {error}") from error


def _row(row: Mapping[str, Any], definitions: Mapping[str, Definition]) -> Price:
    price = Decimal(row["price"])
    if not price.is_finite() or price < 0:
        raise ValueError(f"{row['meter']} costs {price}")
    if row["unit"] != definitions[row["meter"]].unit:
        raise ValueError(f"{row['meter']} is billed by {definitions[row['meter']].unit}, not by {row['unit']}")
    as_of = date.fromisoformat(row["as_of"]) if row["as_of"] else None
    return Price(row["meter"], row["region"], price, row["unit"], as_of, row["confidence"], row["source"])


@cache
def regions() -> tuple[str, ...]:
    """Return the names of Azure's regions."""
    return tuple(_json("regions.json")["regions"])


def known_region(text: str, prices: Prices) -> str:
    """Return a region's own name: "West Europe" is westeurope. Raises UsageError when Azure has none of that name."""
    name = text.replace(" ", "").lower()
    if name in regions() or any(region == name for _, region in prices.rows):
        return name
    close = get_close_matches(name, regions(), n=1)
    raise UsageError(f'Azure has no region "{text}"', hint=f"did you mean {close[0]}?" if close else None)


def old(used: Iterable[Price], today: date) -> str | None:
    """Return a warning when some of the prices are more than a year old, or nobody says how old."""
    stale = [price for price in used if price.as_of is None or (today - price.as_of).days > OLD_DAYS]
    if not stale:
        return None
    one = len(stale) == 1
    count = f"{len(stale)} of these prices {'is' if one else 'are'} undated or more than a year old"
    return f"{count}: chatops prices refresh asks for today's"


def _json(name: str) -> Any:
    return json.loads(files("chatops.cost").joinpath(f"prices/{name}").read_text(encoding="utf-8"))
