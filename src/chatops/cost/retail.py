"""Azure's public retail price list: what it is asked, how answers are checked, which of its rows is which meter.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
The US dollar list is asked: others are rounded to four places, which makes prices by the second zero. An answer that is
not whole (half a page, a page twice, another currency) is refused, and nothing of it is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

from chatops.cost.prices import CURRENCY, GLOBAL, Definition, Price
from chatops.errors import ChatopsError

API_VERSION = "2023-01-01-preview"
MOST_PAGES = 50
BY_ZONE = frozenset({"Azure DNS"})
"""Services that are billed by zones of the world: their rows may have no region."""
FIELDS = ("productName", "skuName", "meterName", "armRegionName", "unitOfMeasure", "type", "currencyCode")
Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class Found:
    """What a refresh brought: new rows, and the meters that the list does not have (or has twice) in a region."""

    prices: tuple[Price, ...]
    missing: tuple[tuple[str, str], ...]


def refresh(url: str, definitions: Sequence[Definition], regions: Sequence[str], fetch: Fetch, today: date) -> Found:
    """Ask the list at `url` for the meters in the regions. Raises ChatopsError when an answer cannot be trusted."""
    prices: list[Price] = []
    missing: list[tuple[str, str]] = []
    ask = cache(lambda asked: _rows(url, asked, fetch))
    for service, region in _questions(definitions, regions):
        rows = ask(question(url, service, region))
        for definition in definitions:
            if definition.service != service or (definition.where == "global") != (region == GLOBAL):
                continue
            price = matching(definition, region, rows, url, today)
            if price is None:
                missing.append((definition.name, region))
            else:
                prices.append(price)
    return Found(tuple(prices), tuple(missing))


def _questions(definitions: Sequence[Definition], regions: Sequence[str]) -> Iterator[tuple[str, str]]:
    wanted = ((definition.service, definition.region(region)) for region in regions for definition in definitions)
    yield from dict.fromkeys(wanted)


def question(url: str, service: str, region: str) -> str:
    """Return the URL of the first page of a service's prices. What is billed by zones has no region in the list."""
    where = "" if service in BY_ZONE else f" and armRegionName eq '{region}'"
    filter_ = f"serviceName eq '{service}'{where} and priceType eq 'Consumption'"
    return f"{url}?api-version={API_VERSION}&currencyCode='{CURRENCY}'&$filter={quote(filter_)}"


def _rows(url: str, first: str, fetch: Fetch) -> list[Mapping[str, Any]]:
    """Return the rows of an answer, page after page."""
    rows: list[Mapping[str, Any]] = []
    seen: set[str] = set()
    link: str | None = first
    while link:
        if link in seen or len(seen) == MOST_PAGES or urlsplit(link).hostname != urlsplit(url).hostname:
            raise _refused(f"its next page would be {link}")
        seen.add(link)
        found, link = _page(fetch(link))
        rows += found
    return rows


def _page(answer: bytes) -> tuple[list[Mapping[str, Any]], str | None]:
    try:
        page = json.loads(answer, parse_float=Decimal, parse_int=Decimal)
        items, link, count, currency = page["Items"], page["NextPageLink"], page["Count"], page["BillingCurrency"]
        currencies = {currency, *(item["currencyCode"] for item in items)}
        lacking = [field for item in items for field in FIELDS if field not in item]
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(f"it is no page of prices ({type(error).__name__}: {error})") from error
    if currencies != {CURRENCY}:
        raise _refused(f"it is in {', '.join(sorted(currencies - {CURRENCY}))}, not in {CURRENCY}")
    if count != len(items):
        raise _refused(f"it says {count} prices and has {len(items)}")
    if lacking:
        raise _refused(f"a price has no {lacking[0]}")
    return items, link or None


def matching(
    definition: Definition, region: str, rows: Sequence[Mapping[str, Any]], source: str, today: date
) -> Price | None:
    """Return the price of a meter, None unless exactly one row of the list is that meter: names are compared whole."""
    fitting = [row for row in rows if _is(definition, row)]
    here = [row for row in fitting if row["armRegionName"] == region] or [
        row for row in fitting if row["armRegionName"] == "" and definition.service in BY_ZONE
    ]
    found = {price for row in here if (price := _price(row)) is not None}
    if len(found) != 1:
        return None
    return Price(definition.name, region, found.pop(), definition.unit, today, "retail", f"{source}, {today}")


def _is(definition: Definition, row: Mapping[str, Any]) -> bool:
    return (
        _name(row["productName"]) in definition.products
        and definition.sku in (None, _name(row["skuName"]))
        and definition.meter in (None, _name(row["meterName"]))
        and definition.arm_sku in (None, row.get("armSkuName"))
        and row["unitOfMeasure"] == definition.unit
        and row["type"] == "Consumption"
    )


def _price(row: Mapping[str, Any]) -> Decimal | None:
    """Return what a unit costs, None where it is free: the first tier of a meter that has a grant."""
    try:
        price = Decimal(row["retailPrice"])
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise _refused(f"{row['meterName']} has no price ({error})") from error
    if not price.is_finite() or price < 0:
        raise _refused(f"{row['meterName']} costs {price}")
    return price or None


def _name(text: str) -> str:
    """Return a name with plain spaces: some names of the list have others in between."""
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def _refused(why: str) -> ChatopsError:
    return ChatopsError(f"reading retail prices: the answer is refused, {why}", hint="the prices stay as they were")


def as_snapshot(prices: Sequence[Price]) -> str:
    """Return rows as the text of a snapshot file."""
    rows = [{**vars(price), "price": f"{price.price:f}", "as_of": price.as_of and str(price.as_of)} for price in prices]
    return json.dumps({"currency": CURRENCY, "prices": rows}, indent=1) + "\n"
