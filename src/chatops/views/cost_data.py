"""An estimate as data: one JSON object, or a table with a line per meter for spreadsheets."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from typing import Any

from chatops.cost.estimate import Scenario
from chatops.cost.report import Amount, Amounts, CostReport, Row, Sheet

HEAD = ("stack", "region", "resource", "meter", "price", "unit", "units", "idle", "expected", "busy")
PLACES = Decimal("0.000001")


def as_json(report: CostReport) -> str:
    """Return one object. Amounts are dollars, `low` and `high`: the same where nothing is in doubt. Null is unknown."""
    about = {
        "stacks": [_sheet(sheet) for sheet in report.sheets],
        "savings": [{"change": words, "saves": _number(saves)} for words, saves in report.savings],
        "assumptions": report.assumptions,
        "notes": report.notes,
    }
    return json.dumps(about, default=str) + "\n"


def comma_separated(report: CostReport) -> str:
    """Return a line per meter and grant. A cell is empty where a price is unknown; bounds are the higher cost."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    for sheet in report.sheets:
        writer.writerows(_lines(sheet))
    return text.getvalue()


def _lines(sheet: Sheet) -> Iterator[tuple[Any, ...]]:
    where = (sheet.title, sheet.region)
    for row in sheet.rows:
        for detail in row.details:
            price = "" if detail.price is None else f"{detail.price:f}"
            units = f"{detail.units.quantize(PLACES).normalize():f}"
            yield (*where, row.label, detail.words, price, detail.unit, units, *_cells(detail.amounts))
    for grant in sheet.grants:
        yield (*where, "", grant.label, "", "", "", *_cells(grant.amounts))


def _cells(amounts: Amounts) -> Iterator[str]:
    for scenario in Scenario:
        amount = amounts[scenario]
        yield "" if amount.unknown else f"{_number(amount.bounds.high)}"


def _sheet(sheet: Sheet) -> dict[str, Any]:
    return {
        "stack": sheet.title,
        "region": sheet.region,
        "month": sheet.month,
        "currency": sheet.currency,
        "total": _amounts(sheet.total),
        "resources": [_row(row) for row in sheet.rows],
        "grants": [{"grant": grant.label, **_amounts(grant.amounts)} for grant in sheet.grants],
        "unknown": sheet.unknown,
        "free": sheet.free,
        "in_doubt": sheet.doubtful,
        "remarks": sheet.remarks,
        "prices_from": sheet.dated[0],
        "prices_to": sheet.dated[1],
    }


def _row(row: Row) -> dict[str, Any]:
    details = [
        {
            "meter": detail.words,
            "price": None if detail.price is None else f"{detail.price:f}",
            "unit": detail.unit,
            "units": _number(detail.units),
            **_amounts(detail.amounts),
        }
        for detail in row.details
    ]
    return {"address": row.address, "label": row.label, **_amounts(row.amounts), "meters": details}


def _amounts(amounts: Amounts) -> dict[str, Any]:
    return {scenario.value: _amount(amounts[scenario]) for scenario in Scenario}


def _amount(amount: Amount) -> dict[str, Any] | None:
    if amount.unknown:
        return None
    low, high = _number(amount.bounds.low), _number(amount.bounds.high)
    return {"low": low, "high": high, **({"at_least": True} if amount.partial else {})}


def _number(value: Decimal) -> float:
    return float(value.quantize(PLACES))
