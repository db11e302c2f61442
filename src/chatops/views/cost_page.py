"""An estimate as one HTML page without anything from elsewhere: to open, to send, to print."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from html import escape
from importlib.resources import files

from chatops.cost.estimate import Scenario
from chatops.cost.report import NOT_COUNTED, Amount, CostReport, Row, Sheet
from chatops.views.cost_picture import by_cost, name_of
from chatops.views.cost_table import per
from chatops.views.money import cents, plain, short, words

STYLE = files("chatops.views").joinpath("cost_page.css").read_text(encoding="utf-8")


def page(report: CostReport) -> str:
    """Return the whole page: one stack in full, or several side by side."""
    first = report.sheets[0]
    parts = [*_head(first, report)]
    parts += _compared(report.sheets) if len(report.sheets) > 1 else _stack(first)
    body = "\n".join([*parts, *_below(report)])
    title = f"{first.title}: {words(first.total[Scenario.EXPECTED])} a month"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style></head>\n'
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _head(sheet: Sheet, report: CostReport) -> Iterator[str]:
    yield f"<h1>{escape(sheet.title)}: what a month costs</h1>"
    yield f'<p class="faint">{sheet.region}, {escape(sheet.month)}, list prices in {sheet.currency} without taxes</p>'
    for note in report.notes:
        yield f'<p class="faint">{escape(note[:1].upper() + note[1:])}.</p>'
    yield '<div class="sums">'
    said = {
        Scenario.IDLE: "when nobody comes",
        Scenario.EXPECTED: "expected",
        Scenario.BUSY: "the most that it can cost",
    }
    for scenario, meaning in said.items():
        chosen = ' class="main"' if scenario is Scenario.EXPECTED else ""
        yield f"<div{chosen}><b>{escape(words(sheet.total[scenario]))}</b><small>{meaning}</small></div>"
    yield "</div>"


def _stack(sheet: Sheet) -> Iterator[str]:
    yield '<p class="key"><span><i class="idle"></i>idle</span><span><i class="more"></i>expected</span>'
    yield '<span><i class="busy"></i>busy</span><span><i class="free"></i>free grant</span></p>'
    scale = max((row.amounts[Scenario.EXPECTED].bounds.high for row in sheet.rows), default=Decimal(0)) or Decimal(1)
    for row in by_cost(sheet):
        yield f"<details><summary>{_line(row, scale)}</summary>{_meters(row)}</details>"
    for grant in sheet.grants:
        yield f'<div class="line">{_line(grant, scale)}</div>'


def _line(row: Row, scale: Decimal) -> str:
    name = f'<span class="name">{escape(name_of(row))}</span>'
    amount = f'<span class="amount">{_money(row.amounts[Scenario.EXPECTED])}</span>'
    return f'{name}<span class="bar">{_bar(row, scale)}</span>{amount}'


def _bar(row: Row, scale: Decimal) -> str:
    if not row.address:
        return _strip("free", -row.amounts[Scenario.EXPECTED].bounds.low, scale)
    idle, expected, busy = (row.amounts[scenario].bounds.high for scenario in Scenario)
    beyond = "busy on" if busy > expected else "busy"
    busiest = _strip(beyond, min(busy, scale * 100 / 86), scale) if busy > expected else ""
    return busiest + _strip("more", expected, scale) + _strip("idle", min(idle, expected), scale)


def _strip(kind: str, amount: Decimal, scale: Decimal) -> str:
    return f'<i class="{kind}" style="width:{amount / scale * 86:.2f}%"></i>' if amount > 0 else ""


def _meters(row: Row) -> str:
    head = "<tr><th></th><th class='unit'>price</th><th class='unit'>units</th>" + "".join(
        f"<th>{scenario.value}</th>" for scenario in Scenario
    )
    lines = []
    for detail in row.details:
        price = "unknown" if detail.price is None else f"${plain(detail.price)} {per(detail.unit)}"
        cells = "".join(f"<td>{_money(detail.amounts[scenario])}</td>" for scenario in Scenario)
        told = (
            f"<td>{escape(detail.words)}</td><td class='unit'>{price}</td><td class='unit'>{plain(detail.units)}</td>"
        )
        lines.append(f"<tr>{told}{cells}</tr>")
    return f'<div class="scroll"><table>{head}</tr>{"".join(lines)}</table></div>'


def _compared(sheets: tuple[Sheet, ...]) -> Iterator[str]:
    yield '<div class="scroll"><table class="wide"><tr><th>an expected month</th>'
    yield "".join(f"<th>{escape(sheet.title)}<br>{sheet.region}</th>" for sheet in sheets) + "</tr>"
    names = {row.address: name_of(row) for sheet in reversed(sheets) for row in sheet.rows}
    for address in dict.fromkeys(row.address for sheet in sheets for row in sheet.rows):
        found = [next((row for row in sheet.rows if row.address == address), None) for sheet in sheets]
        cells = (_money(row.amounts[Scenario.EXPECTED]) if row else "" for row in found)
        yield f"<tr><td>{escape(names[address])}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    saved = (_money(sheet.granted[Scenario.EXPECTED]) for sheet in sheets)
    yield f"<tr><td>free grants</td>{''.join(f'<td>{cell}</td>' for cell in saved)}</tr>"
    for scenario in Scenario:
        cells = (_money(sheet.total[scenario]) for sheet in sheets)
        chosen = ' class="total"' if scenario is Scenario.EXPECTED else ""
        yield f"<tr{chosen}><td>{scenario.value}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    yield "</table></div>"


def _money(amount: Amount) -> str:
    return f'<span class="unknown">{short(amount)}</span>' if amount.unknown else escape(short(amount))


def _below(report: CostReport) -> Iterator[str]:
    for sheet in report.sheets:
        if sheet.unknown:
            yield f'<p class="unknown">No price is known in {sheet.region}: {escape(", ".join(sheet.unknown))}.</p>'
    if report.savings:
        yield '<h2>What saves most</h2><table class="save">'
        for change, saves in report.savings:
            yield f"<tr><td>{cents(saves)}</td><td>{escape(change)}</td></tr>"
        yield "</table>"
    first = report.sheets[0]
    yield "<h2>What this rests on</h2><small><ul>"
    facts = [*report.assumptions, *first.remarks, *(f"in doubt, not counted: {doubt}" for doubt in first.doubtful)]
    facts += [f"free of charge: {', '.join(first.free)}"] if first.free else []
    for fact in [*facts, f"not counted: {NOT_COUNTED}"]:
        yield f"<li>{escape(fact)}</li>"
    yield "</ul></small>"
