"""An estimate as a table for the terminal, and several of them side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TextIO

from rich.markup import escape
from rich.table import Table

from chatops.cost.estimate import Scenario
from chatops.cost.report import NOT_COUNTED, Amount, CostReport, Detail, Row, Sheet
from chatops.views.console import console
from chatops.views.money import cents, plain, short, words

WIDE = 110
"""Columns of a terminal from which on prices and quantities have room."""


def show(report: CostReport, file: TextIO | None = None) -> None:
    """Print the report, to standard output or into a file: one sheet in full, or all of them side by side."""
    out = console(file)
    first = report.sheets[0]
    if len(report.sheets) > 1:
        out.print(_side_by_side(report.sheets))
    else:
        out.print(f"[bold]{escape(first.title)}[/] in {first.region}, {first.month}, list prices in {first.currency}\n")
        out.print(_table(first, in_full=out.width >= WIDE))
    for line in _below(report):
        out.print(line, soft_wrap=not out.is_terminal)


def _table(sheet: Sheet, in_full: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for name in ("price", "units") if in_full else ():
        table.add_column(name, justify="right", style="dim", no_wrap=True)
    for scenario in Scenario:
        table.add_column(scenario.value, justify="right", no_wrap=True)
    nothing = ("", "") if in_full else ()
    for row in sheet.rows:
        _resource(table, row, in_full)
    for grant in sheet.grants:
        table.add_row(f"[green]{escape(grant.label)}[/]", *nothing, *_cells(grant.amounts, "green"))
    table.add_section()
    table.add_row("[bold]total[/]", *nothing, *_cells(sheet.total, "bold"))
    return table


def _resource(table: Table, row: Row, in_full: bool) -> None:
    alone = row.details[0] if len(row.details) == 1 else None
    head = _priced(alone) if alone else ("", "")
    table.add_row(escape(row.label), *(head if in_full else ()), *_cells(row.amounts))
    for detail in () if alone else row.details:
        cells = (_priced(detail) if in_full else ()) + tuple(_cells(detail.amounts, "dim"))
        table.add_row(f"[dim]  {escape(detail.words)}[/]", *cells)


def _priced(detail: Detail) -> tuple[str, str]:
    price = "[yellow]unknown[/]" if detail.price is None else f"${plain(detail.price)} {per(detail.unit)}"
    return price, plain(detail.units)


def _cells(amounts: Mapping[Scenario, Amount], style: str = "") -> list[str]:
    return [_styled(short(amounts[scenario]), style) for scenario in Scenario]


def _styled(text: str, style: str) -> str:
    style = "yellow" if text == "unknown" else style
    return f"[{style}]{text}[/]" if style else text


def per(unit: str) -> str:
    """Return the price list's unit of measure as people write it: "1 GB/Month" is "a GB and month"."""
    return PER.get(unit, f"per {unit}")


PER = {
    "1 Second": "a second",
    "1 GiB Second": "a GiB second",
    "1 Hour": "an hour",
    "1/Day": "a day",
    "1 GB": "a GB",
    "1 GB/Month": "a GB",
    "1": "a month",
    "10K": "for 10,000",
    "1M": "a million",
}


def _side_by_side(sheets: tuple[Sheet, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("[dim]an expected month[/]")
    for sheet in sheets:
        table.add_column(f"{escape(sheet.title)}\n[dim]{sheet.region}[/]", justify="right", no_wrap=True)
    labels = {row.address: row.label for sheet in reversed(sheets) for row in sheet.rows}
    order = dict.fromkeys(row.address for sheet in sheets for row in sheet.rows)
    for address in order:
        table.add_row(escape(labels[address]), *(_of(sheet.rows, address) for sheet in sheets))
    saved = (_styled(short(sheet.granted[Scenario.EXPECTED]), "green") for sheet in sheets)
    table.add_row("[green]free grants[/]", *saved)
    table.add_section()
    for scenario in Scenario:
        style = "bold" if scenario is Scenario.EXPECTED else "dim"
        table.add_row(
            f"[{style}]total {scenario.value}[/]", *(_styled(short(s.total[scenario]), style) for s in sheets)
        )
    return table


def _of(rows: tuple[Row, ...], address: str) -> str:
    found = next((short(row.amounts[Scenario.EXPECTED]) for row in rows if row.address == address), "")
    return _styled(found, "") if found else ""


def _below(report: CostReport) -> Iterator[str]:
    first = report.sheets[0]
    expected = first.total[Scenario.EXPECTED]
    if len(report.sheets) == 1:
        yield f"\n[bold]An expected month costs {words(expected)}.[/]"
    for sheet in report.sheets:
        if sheet.unknown:
            yield f"[yellow]no price known in {sheet.region}:[/] {escape(', '.join(sheet.unknown))}"
            yield f"[dim]`chatops prices refresh --region {sheet.region}` asks Azure's public price list[/]"
    for note in report.notes:
        yield f"[dim]{escape(note)}[/]"
    if report.savings:
        yield "\n[bold]What saves most[/] (each alone, in an expected month)"
        for words_, saves in report.savings:
            yield f"  {cents(saves):>9}  {escape(words_)}"
    yield from _small_print(report, first)


def _small_print(report: CostReport, sheet: Sheet) -> Iterator[str]:
    yield ""
    for assumption in report.assumptions:
        yield f"[dim]assumed: {escape(assumption)}[/]"
    for remark in sheet.remarks:
        yield f"[dim]{escape(remark)}[/]"
    for doubt in sheet.doubtful:
        yield f"[dim]in doubt, not counted: {escape(doubt)}[/]"
    if sheet.free:
        yield f"[dim]free of charge: {escape(', '.join(sheet.free))}[/]"
    yield f"[dim]not counted: {NOT_COUNTED}[/]"
