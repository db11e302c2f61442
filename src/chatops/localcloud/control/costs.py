"""Microsoft.CostManagement/query: what was used and what it costs, over a subscription or a resource group.

https://learn.microsoft.com/rest/api/cost-management/query/usage. Costs are list prices in US dollars; a meter without
a known price has a null there, where Azure would have a number.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from .. import clock
from ..billing.book import book
from ..billing.statement import Charged, statement
from ..errors import ArmError
from ..ids import parse
from ..store import Body
from .kind import Call, Endpoint

CURRENCY = "USD"


def _meter(charged: Charged) -> str:
    return book().meters[charged.entry.meter].meter


DIMENSIONS: Mapping[str, Callable[[Charged], str]] = {
    "ResourceId": lambda charged: charged.entry.resource.lower(),
    "ResourceGroupName": lambda charged: _group(charged).lower(),
    "ResourceGroup": lambda charged: _group(charged),
    "ResourceType": lambda charged: found.type.lower() if (found := parse(charged.entry.resource)) else "",
    "ResourceLocation": lambda charged: charged.entry.region,
    "ServiceName": lambda charged: book().meters[charged.entry.meter].service,
    "MeterCategory": lambda charged: book().meters[charged.entry.meter].service,
    "Meter": _meter,
    "UnitOfMeasure": lambda charged: book().meters[charged.entry.meter].unit,
}
"""Dimensions that can be grouped and filtered by, in Azure's spelling."""

COSTS = ("Cost", "PreTaxCost", "CostUSD", "PreTaxCostUSD")
MEASURES: Mapping[str, Callable[[Charged], Decimal | None]] = {
    **dict.fromkeys(COSTS, lambda charged: charged.cost),
    "UsageQuantity": lambda charged: charged.entry.quantity / book().meters[charged.entry.meter].of,
}


def _group(charged: Charged) -> str:
    return charged.entry.resource.split("/")[4]


@dataclass(frozen=True)
class Question:
    """A query, understood. `sums` has the aggregation's measure names, `grouping` dimensions in Azure's spelling."""

    first: date
    last: date
    granularity: str
    sums: tuple[str, ...]
    grouping: tuple[str, ...]
    wanted: Callable[[Charged], bool]


async def _query(call: Call, found: Mapping[str, str]) -> Body:
    question = _understood(call.body)
    scope = call.id.text.rsplit("/providers/", 1)[0].lower()
    world = call.world
    charged = [
        one
        for one in statement(world.ledger, book(), question.first, question.last)
        if one.entry.resource.lower().startswith(f"{scope}/") and question.wanted(one)
    ]
    name = str(uuid.uuid4())
    return {
        "id": f"{scope}/providers/Microsoft.CostManagement/query/{name}",
        "name": name,
        "type": "Microsoft.CostManagement/query",
        "properties": {"nextLink": None, "columns": _columns(question), "rows": _rows(charged, question)},
    }


def _columns(question: Question) -> list[Body]:
    columns = [{"name": name, "type": "Number"} for name in question.sums]
    if question.granularity == "Daily":
        columns.append({"name": "UsageDate", "type": "Number"})
    elif question.granularity == "Monthly":
        columns.append({"name": "BillingMonth", "type": "Datetime"})
    columns += [{"name": name, "type": "String"} for name in question.grouping]
    return [*columns, {"name": "Currency", "type": "String"}]


def _rows(charged: list[Charged], question: Question) -> list[list[object]]:
    sums: defaultdict[tuple[object, ...], list[Charged]] = defaultdict(list)
    for one in charged:
        when = _when(one.entry.day, question.granularity)
        sums[(*when, *(DIMENSIONS[name](one) for name in question.grouping))].append(one)
    return [[*(_sum(MEASURES[name], ones) for name in question.sums), *key, CURRENCY] for key, ones in sums.items()]


def _when(day: date, granularity: str) -> tuple[object, ...]:
    if granularity == "Daily":
        return (int(f"{day:%Y%m%d}"),)
    return (f"{day:%Y-%m}-01T00:00:00",) if granularity == "Monthly" else ()


def _sum(measure: Callable[[Charged], Decimal | None], ones: list[Charged]) -> float | None:
    known = [value for one in ones if (value := measure(one)) is not None]
    return float(sum(known)) if known else None


def _bad(message: str) -> ArmError:
    return ArmError(400, "BadRequest", message)


def _understood(body: Body) -> Question:
    if body.get("type") not in ("Usage", "ActualCost", "AmortizedCost"):
        raise _bad(f"Invalid query definition: type '{body.get('type')}'.")
    dataset = body.get("dataset") or {}
    first, last = _span(str(body.get("timeframe")), body.get("timePeriod") or {})
    granularity = str(dataset.get("granularity") or "None")
    if granularity not in ("None", "Daily", "Monthly"):
        raise _bad(f"Invalid query definition: granularity '{granularity}'.")
    sums = tuple(_known(MEASURES, one.get("name"), "aggregation") for one in dataset.get("aggregation", {}).values())
    grouping = tuple(_known(DIMENSIONS, one.get("name"), "grouping") for one in dataset.get("grouping") or ())
    if not 1 <= len(sums) <= 2 or len(grouping) > 2:
        raise _bad("Invalid query definition: one or two aggregations and at most two groupings are supported.")
    return Question(first, last, granularity, sums, grouping, _filter(dataset.get("filter")))


def _known(table: Mapping[str, object], name: object, what: str) -> str:
    found = next((known for known in table if known.lower() == str(name).lower()), None)
    if found is None:
        raise _bad(f"Invalid query definition: Invalid dataset {what} '{name}'; valid values: {', '.join(table)}.")
    return found


def _filter(filter: Body | None) -> Callable[[Charged], bool]:
    if not filter:
        return lambda _: True
    if parts := filter.get("and"):
        wanted = [_filter(part) for part in parts]
        return lambda one: all(each(one) for each in wanted)
    dimension = filter.get("dimensions") or {}
    value_of = DIMENSIONS[_known(DIMENSIONS, dimension.get("name"), "filter")]
    values = {str(value).lower() for value in dimension.get("values") or ()}
    return lambda one: value_of(one).lower() in values


def _span(timeframe: str, period: Body) -> tuple[date, date]:
    today = clock.now().date()
    first = today.replace(day=1)
    match timeframe:
        case "MonthToDate" | "BillingMonthToDate":
            return first, today
        case "TheLastMonth" | "TheLastBillingMonth":
            last = first - timedelta(days=1)
            return last.replace(day=1), last
        case "Custom":
            try:
                start, end = (datetime.fromisoformat(str(period[key])).date() for key in ("from", "to"))
            except (KeyError, ValueError) as error:
                raise _bad("Invalid query definition: timePeriod needs from and to.") from error
            return start, end
    raise _bad(f"Invalid query definition: timeframe '{timeframe}'.")


ENDPOINTS = tuple(
    Endpoint("POST", f"{scope}/providers/Microsoft.CostManagement/query", _query, "Microsoft.CostManagement/query/read")
    for scope in ("/subscriptions/{subscription}", "/subscriptions/{subscription}/resourceGroups/{group}")
)
