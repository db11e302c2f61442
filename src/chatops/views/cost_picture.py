"""An estimate as a picture (SVG): a bar per resource from idle over expected to busy, light or dark as its reader is.

Bars share one scale, that of the expected month; what a busy month costs beyond it runs out to the right as an arrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from html import escape
from importlib.resources import files

from chatops.cost.estimate import Scenario
from chatops.cost.report import Row, Sheet
from chatops.views.money import short, words

WIDTH, ROW, LEFT, RIGHT = 880, 34, 236, 290
TOP, BOTTOM = 138, 62
BAR = WIDTH - LEFT - RIGHT
COLUMNS = dict(zip(Scenario, (WIDTH - 214, WIDTH - 106, WIDTH - 24), strict=True))
"""Where the figures of each scenario end."""
STYLE = files("chatops.views").joinpath("cost_picture.css").read_text(encoding="utf-8")


def picture(sheet: Sheet) -> str:
    """Return the SVG of one stack's month."""
    rows = [*by_cost(sheet), Row("", "free grants", sheet.granted)]
    height = TOP + ROW * len(rows) + BOTTOM
    body = "\n".join([*_head(sheet), *_bars(rows), *_foot(sheet, height)])
    label = f"What {sheet.title} costs a month: {words(sheet.total[Scenario.EXPECTED])}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(label)}">\n<style>{STYLE}</style>\n'
        f'<rect class="paper" width="{WIDTH}" height="{height}" rx="10"/>\n{body}\n</svg>\n'
    )


def name_of(row: Row) -> str:
    """Return a resource's label without the name, but where its name tells it apart: "container app 'ui'"."""
    kind, _, name = row.label.partition(" '")
    return row.label if row.address.startswith("app/") or not name else kind


def by_cost(sheet: Sheet) -> list[Row]:
    """Return the resources, those first that cost most in an expected month, the unknown ones last."""
    return sorted(sheet.rows, key=lambda row: -row.amounts[Scenario.EXPECTED].bounds.high)


def _head(sheet: Sheet) -> Iterator[str]:
    where = f"{sheet.region} · {sheet.month} · list prices in {sheet.currency}"
    yield f'<text class="title" x="24" y="38">{escape(sheet.title)}: what a month costs</text>'
    yield f'<text class="faint" x="24" y="59">{escape(where)}</text>'
    meanings = ("when nobody comes", "expected", "the most that it can cost")
    for place, scenario, meaning in zip((24, 260, 606), Scenario, meanings, strict=True):
        yield f'<text class="sum" x="{place}" y="93">{escape(words(sheet.total[scenario]))}</text>'
        yield f'<text class="faint" x="{place}" y="110">{meaning}</text>'
    for scenario, end in COLUMNS.items():
        yield f'<text class="num faint" x="{end}" y="{TOP - 6}">{scenario.value}</text>'


def _bars(rows: list[Row]) -> Iterator[str]:
    scale = max((row.amounts[Scenario.EXPECTED].bounds.high for row in rows), default=Decimal(0)) or Decimal(1)
    for index, row in enumerate(rows):
        y = TOP + ROW * index
        yield f'<line class="rule" x1="24" x2="{WIDTH - 24}" y1="{y}" y2="{y}"/>'
        yield f'<text x="24" y="{y + 22}">{escape(_fitting(name_of(row), 26))}</text>'
        yield from _bar(row, y + 10, scale)
        for scenario, end in COLUMNS.items():
            style = "num" if scenario is Scenario.EXPECTED else "num faint"
            yield f'<text class="{style}" x="{end}" y="{y + 22}">{escape(short(row.amounts[scenario]))}</text>'


def _bar(row: Row, y: int, scale: Decimal) -> Iterator[str]:
    room = Decimal(BAR) * Decimal("0.86")
    idle, expected, busy = (row.amounts[s].bounds.high / scale * room for s in Scenario)
    if not row.address:
        saved = -row.amounts[Scenario.EXPECTED].bounds.low / scale * room
        yield f'<rect class="free" x="{LEFT}" y="{y}" width="{max(saved, Decimal(2)):.1f}" height="14" rx="3"/>'
        return
    if expected:
        yield f'<rect class="more" x="{LEFT}" y="{y}" width="{max(expected, Decimal(1)):.1f}" height="14" rx="3"/>'
    if idle:
        width = max(min(idle, expected), Decimal(1))
        yield f'<rect class="idle" x="{LEFT}" y="{y}" width="{width:.1f}" height="14" rx="3"/>'
    if busy > expected + 1:
        end, middle = min(busy, Decimal(BAR - 4)), y + 7
        tip = f"M{LEFT + end - 5:.1f} {middle - 4}l5 4l-5 4" if busy > end else ""
        yield f'<path class="busy" d="M{LEFT + expected + 2:.1f} {middle}H{LEFT + end:.1f}{tip}"/>'


def _fitting(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _foot(sheet: Sheet, height: int) -> Iterator[str]:
    y = height - 36
    for x, kind, words_ in (
        (24, "idle", "idle"),
        (88, "more", "up to an expected month"),
        (520, "free", "free grants"),
    ):
        yield f'<rect class="{kind}" x="{x}" y="{y - 10}" width="12" height="12" rx="3"/>'
        yield f'<text class="faint" x="{x + 18}" y="{y}">{words_}</text>'
    yield f'<path class="busy" d="M276 {y - 4}h20m-5 -4l5 4l-5 4"/>'
    yield f'<text class="faint" x="304" y="{y}">up to the most that it can cost</text>'
    if sheet.unknown:
        note = f"no price known here: {', '.join(sheet.unknown)}"
        yield f'<text class="faint" x="24" y="{height - 14}">{escape(_fitting(note, 120))}</text>'
