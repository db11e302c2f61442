"""The bill beside the estimate, for people and for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.markup import escape
from rich.table import Table

from chatops.cost.billed import Beside, Quantity, Statement
from chatops.cost.estimate import Bounds, Scenario
from chatops.cost.report import Amount
from chatops.views.console import console
from chatops.views.money import cents, plain, short

EXPECTED = Scenario.EXPECTED


def show(statement: Statement, as_json: bool) -> None:
    """Print the bill to standard output."""
    if as_json:
        sys.stdout.write(json.dumps(_data(statement)) + "\n")
        return
    out = console()
    start, end = statement.span
    currency = ", ".join(statement.currencies) or "nothing billed"
    out.print(
        f"[bold]{escape(statement.stack)}[/] from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC, {currency}\n"
    )
    out.print(_table(statement))
    for line in _below(statement):
        out.print(line)


def _table(statement: Statement) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in ("billed", "estimated"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("what differs", style="dim")
    for row in statement.rows:
        if row.quantities:
            estimated = "[yellow]unknown[/]" if row.estimated is None else cents(row.estimated)
            table.add_row(escape(row.label), _billed(row), estimated, escape("; ".join(map(_differs, row.why))))
    for grant in statement.expected.grants:
        saved = grant.saves[EXPECTED]
        estimated = "unknown" if saved is None else short(Amount(Bounds() - saved))
        table.add_row(f"[green]free: {escape(grant.grant.words)}[/]", "[dim]taken off above[/]", estimated)
    table.add_section()
    total = cents(statement.billed) + ("+" if statement.partial else "")
    table.add_row("[bold]total[/]", f"[bold]{total}[/]", f"[bold]{short(statement.estimated)}[/]")
    return table


def _billed(row: Beside) -> str:
    return "[yellow]unknown[/]" if row.unpriced and not row.billed else cents(row.billed) + "+" * bool(row.unpriced)


def _differs(quantity: Quantity) -> str:
    return f"{quantity.words}: {plain(quantity.billed)}, expected {plain(quantity.expected)}"


def _below(statement: Statement) -> list[str]:
    lines = ["", f"[dim]as Cost Management said on {statement.asked:%Y-%m-%d at %H:%M} UTC (--fresh asks again)[/]"]
    if statement.partial:
        meters = sorted({meter for row in statement.rows for meter in row.unpriced})
        lines.append(f"[yellow]used, but without a price on the bill: {escape(', '.join(meters))}[/]")
    if [currency for currency in statement.currencies if currency != statement.expected.currency]:
        lines.append(f"[yellow]the bill is not in {statement.expected.currency}, the estimate is[/]")
    return lines


def _data(statement: Statement) -> dict[str, Any]:
    start, end = statement.span
    bounds = statement.estimated.bounds
    return {
        "stack": statement.stack,
        "from": start.isoformat(),
        "to": end.isoformat(),
        "asked": statement.asked.isoformat(),
        "currencies": list(statement.currencies),
        "billed": str(statement.billed),
        "partial": statement.partial,
        "estimated": {"low": str(bounds.low), "high": str(bounds.high), "at_least": statement.estimated.partial},
        "resources": [_row(row) for row in statement.rows],
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
