"""The bill beside the estimate, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from rich.markup import escape
from rich.table import Table

from chatops.cost.billed import Beside, Quantity
from chatops.cost.estimate import Bounds, Estimate, Scenario
from chatops.cost.meter import NOTHING
from chatops.cost.report import Amount
from chatops.views.console import console
from chatops.views.money import cents, plain, short

EXPECTED = Scenario.EXPECTED


@dataclass(frozen=True)
class Bill:
    """What is shown: of which stack, for what time, asked when, in which currencies."""

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


def show(bill: Bill, as_json: bool) -> None:
    """Print the bill to standard output."""
    if as_json:
        sys.stdout.write(json.dumps(_data(bill)) + "\n")
        return
    out = console()
    start, end = bill.span
    currency = ", ".join(bill.currencies) or "nothing billed"
    out.print(f"[bold]{escape(bill.stack)}[/] from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, {currency}\n")
    out.print(_table(bill))
    for line in _below(bill):
        out.print(line)


def _table(bill: Bill) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in ("billed", "estimated"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what differs", style="dim")
    for row in bill.rows:
        if row.quantities:
            estimated = "[yellow]unknown[/]" if row.estimated is None else cents(row.estimated)
            table.add_row(escape(row.label), _billed(row), estimated, escape("; ".join(map(_differs, row.why))))
    for grant in bill.expected.grants:
        saved = grant.saves[EXPECTED]
        estimated = "unknown" if saved is None else short(Amount(Bounds() - saved))
        table.add_row(f"[green]free: {escape(grant.grant.words)}[/]", "[dim]taken off above[/]", estimated)
    table.add_section()
    total = cents(bill.billed) + ("+" if bill.partial else "")
    table.add_row("[bold]total[/]", f"[bold]{total}[/]", f"[bold]{short(bill.estimated)}[/]")
    return table


def _billed(row: Beside) -> str:
    return "[yellow]unknown[/]" if row.unpriced and not row.billed else cents(row.billed) + "+" * bool(row.unpriced)


def _differs(quantity: Quantity) -> str:
    return f"{quantity.words}: {plain(quantity.billed)}, expected {plain(quantity.expected)}"


def _below(bill: Bill) -> list[str]:
    lines = ["", f"[dim]as Cost Management said on {bill.asked:%Y-%m-%d at %H:%M} UTC (--fresh asks again)[/]"]
    if bill.partial:
        meters = sorted({meter for row in bill.rows for meter in row.unpriced})
        lines.append(f"[yellow]used, but without a price on the bill: {escape(', '.join(meters))}[/]")
    if [currency for currency in bill.currencies if currency != bill.expected.currency]:
        lines.append(f"[yellow]the bill is not in {bill.expected.currency}, the estimate is[/]")
    return lines


def _data(bill: Bill) -> dict[str, Any]:
    start, end = bill.span
    bounds = bill.estimated.bounds
    return {
        "stack": bill.stack,
        "from": start.isoformat(),
        "to": end.isoformat(),
        "asked": bill.asked.isoformat(),
        "currencies": list(bill.currencies),
        "billed": str(bill.billed),
        "partial": bill.partial,
        "estimated": {"low": str(bounds.low), "high": str(bounds.high), "at_least": bill.estimated.partial},
        "resources": [_row(row) for row in bill.rows],
    }


def _row(row: Beside) -> dict[str, Any]:
    return {
        "resource": row.label,
        "billed": str(row.billed),
        "estimated": None if row.estimated is None else str(row.estimated),
        "unpriced": list(row.unpriced),
        "quantities": [
            {"meter": one.words, "billed": str(one.billed), "expected": str(one.expected)} for one in row.quantities
        ],
    }
