"""A stack's status for people: what it is, a line per app, and what the reader should know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from chatops.views.protocol import AppStatus, StackStatus

NUMBERS = ("ready", "in flight", "restarts", "cold starts")
COLUMNS = ("app", "state", "health", "ready", "min-max", *NUMBERS[1:], "revision", "image")
LEAST = 4
"""Columns that no terminal is too narrow for."""


def status_table(status: StackStatus, width: int) -> Table:
    """Return a stack's status as something to print, or to redraw, in `width` columns."""
    whole = Table.grid(padding=(0, 2))
    whole.add_row("[dim]stack[/]", f"{escape(status.stack)} [dim]on {status.target}, {status.location}[/]")
    whole.add_row("[dim]page[/]", f"[bold]{escape(status.url)}[/]" if status.url else "[dim]none[/]")
    whole.add_row("[dim]database[/]", escape(status.database))
    if status.runtime:
        whole.add_row("[dim]replicas[/]", escape(status.runtime))
    apps = Table(box=None, pad_edge=False, header_style="dim")
    rows = [_app_row(app) for app in status.apps]
    columns = _fitting(rows, width)
    for column in columns:
        apps.add_column(column, justify="right" if column in NUMBERS else "left", no_wrap=True)
    for row in rows:
        apps.add_row(*row[: len(columns)])
    frame = Table.grid()
    frame.add_row(whole)
    frame.add_row("")
    frame.add_row(apps)
    for note in status.notes:
        frame.add_row(f"[dim]{escape(note)}[/]")
    return frame


def _fitting(rows: Sequence[tuple[str, ...]], width: int) -> tuple[str, ...]:
    """The columns that there is room for; the last ones, which identify rather than tell, go first."""
    columns: tuple[str, ...] = COLUMNS
    while len(columns) > LEAST and sum(_widths(columns, rows)) > width:
        columns = columns[:-1]
    return columns


def _widths(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[int]:
    for index, column in enumerate(columns):
        yield 2 + max(len(column), *(Text.from_markup(row[index]).cell_len for row in rows))


def _app_row(app: AppStatus) -> tuple[str, ...]:
    colour = "green" if app.state == "Running" else "yellow"
    health = {"Healthy": "green", "Unhealthy": "red"}.get(app.health, "dim")
    return (
        app.name,
        f"[{colour}]{app.state}[/]",
        f"[{health}]{app.health}[/]",
        f"{app.ready}/{app.replicas}",
        f"{app.minimum}-{app.maximum}",
        *("-" if number is None else str(number) for number in (app.in_flight, app.restarts, app.cold_starts)),
        app.revision,
        app.image,
    )
