"""A small copy of Azure's public price list, made of the bundled prices. Needs no token, as the real one.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .book import Book, book

PATH = "/api/retail/prices"
PAGE = 100
CURRENCY = "USD"
FIELDS = {"priceType": "type"}
"""What a filter names otherwise than a row does."""
Item = dict[str, Any]
Test = Callable[[Item], bool]

_TOKENS = re.compile(r"\s*(\(|\)|,|'(?:[^']|'')*'|[A-Za-z]+)")


class FilterError(ValueError):
    """The filter is none that this copy understands."""


def items(prices: Book) -> list[Item]:
    """All rows, in the real list's shape."""
    return [
        {
            "currencyCode": CURRENCY,
            "tierMinimumUnits": 0.0,
            "retailPrice": float(price),
            "unitPrice": float(price),
            "armRegionName": region,
            "location": region,
            "effectiveStartDate": f"{prices.dates[name, region] or '2026-01-01'}T00:00:00Z",
            "meterId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/{region}")),
            "meterName": meter.meter,
            "productName": meter.product,
            "skuName": meter.sku,
            "serviceName": meter.service,
            "unitOfMeasure": meter.unit,
            "type": "Consumption",
            "isPrimaryMeterRegion": True,
            "armSkuName": meter.arm_sku,
        }
        for (name, region), price in sorted(prices.prices.items())
        if (meter := prices.meters.get(name))
    ]


async def _answer(request: Request) -> Response:
    query = request.query_params
    if query.get("currencyCode", f"'{CURRENCY}'").strip("'") != CURRENCY:
        return _refused("The local copy has prices in USD only.")
    try:
        wanted = parse(query.get("$filter", ""))
        skip = int(query.get("$skip", 0))
    except ValueError as error:
        return _refused(f"Invalid OData parameters supplied: {error}")
    found = [item for item in items(book()) if wanted(item)]
    after = skip + PAGE
    following = {**query, "$skip": str(after)}
    return JSONResponse(
        {
            "BillingCurrency": CURRENCY,
            "CustomerEntityId": "Default",
            "CustomerEntityType": "Retail",
            "Items": found[skip:after],
            "NextPageLink": f"{request.base_url}{PATH[1:]}?{urlencode(following)}" if after < len(found) else None,
            "Count": len(found[skip:after]),
        }
    )


def _refused(message: str) -> Response:
    return JSONResponse({"Error": {"Code": "BadRequest", "Message": message}}, 400)


def parse(text: str) -> Test:
    """An OData filter: `name eq 'value'` and `contains(name, 'part')`, with and, or and parentheses."""
    if not text.strip():
        return lambda _: True
    reader = _Reader(_tokens(text))
    test = reader.either()
    if reader.next:
        raise FilterError(f"{reader.next!r} was not expected")
    return test


def _tokens(text: str) -> Iterator[str]:
    """All tokens, and "" for the end."""
    at = 0
    while text[at:].strip():
        if (found := _TOKENS.match(text, at)) is None:
            raise FilterError(f"{text[at:].strip()!r} was not expected")
        yield found[1]
        at = found.end()
    yield ""


class _Reader:
    """One token ahead of what was read."""

    def __init__(self, tokens: Iterator[str]) -> None:
        self._tokens = tokens
        self.next = next(tokens)

    def _take(self, *expected: str) -> str:
        token = self.next
        if not token or (expected and token.lower() not in expected):
            raise FilterError(f"expected {' or '.join(expected) or 'more'}, found {token!r}")
        self.next = next(self._tokens, "")
        return token

    def either(self) -> Test:
        tests = [self._both()]
        while self.next.lower() == "or":
            self._take()
            tests.append(self._both())
        return lambda item: any(test(item) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self.next.lower() == "and":
            self._take()
            tests.append(self._one())
        return lambda item: all(test(item) for test in tests)

    def _one(self) -> Test:
        if self.next == "(":
            self._take()
            test = self.either()
            self._take(")")
            return test
        if self.next.lower() == "contains":
            self._take()
            self._take("(")
            name = self._take()
            self._take(",")
            part = self._text()
            self._take(")")
            return lambda item: part in str(item.get(name, ""))
        name = FIELDS.get(self.next, self.next)
        self._take()
        self._take("eq")
        value = self._text()
        return lambda item: str(item.get(name, "")) == value

    def _text(self) -> str:
        token = self._take()
        if not token.startswith("'"):
            raise FilterError(f"expected a text in quotes, found {token!r}")
        return token[1:-1].replace("''", "'")


def retail_routes() -> list[Route]:
    return [Route(PATH, _answer)]
