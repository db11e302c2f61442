"""The view for people: a live tree on a terminal, plain lines elsewhere. Colour where it helps, none with NO_COLOR."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from chatops.cost.change import Bill, Change
from chatops.engine.apply import Outcome
from chatops.engine.events import Event, Failed, LeftRunning, Skipped, Succeeded
from chatops.engine.plan import Action, Plan, Step
from chatops.errors import ChatopsError
from chatops.views.bill import by, in_words
from chatops.views.protocol import AppStatus, StackStatus
from chatops.views.tree import COLOURS, LiveTree

PLAIN_WIDTH = 250
NUMBERS = ("ready", "in flight", "restarts", "cold starts")
STATUS_COLUMNS = ("app", "state", "health", "ready", "min-max", *NUMBERS[1:], "revision", "image")
LEAST = 2  # columns that a narrow terminal does without
DONE = {Action.CREATE: "created", Action.UPDATE: "updated", Action.REPLACE: "replaced", Action.DELETE: "deleted"}
VERBS = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.REPLACE: "to replace",
    Action.DELETE: "to delete",
}


class HumanView:
    """Results on standard output, notes and errors on standard error."""

    def __init__(self) -> None:
        self.out = Console(highlight=False, soft_wrap=True)
        if not self.out.is_terminal:
            self.out.width = PLAIN_WIDTH
        self.err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._tree: LiveTree | None = None

    def plan(self, plan: Plan, bill: Bill | None = None) -> None:
        for step in plan.work:
            self._planned(step, bill.changes[step.address] if bill else None)
        for name in plan.kept:
            self.out.print(f"[dim]  {escape(name)}: not this stack's, left alone[/]")
        counts = ", ".join(f"{plan.count(action)} {verb}" for action, verb in VERBS.items() if plan.count(action))
        self.out.print(f"{len(plan.work)} change{'' if len(plan.work) == 1 else 's'}{': ' if counts else ''}{counts}")
        for line in in_words(bill) if bill and plan.work else ():
            self.out.print(escape(line))

    def _planned(self, step: Step, cost: Change | None) -> None:
        colour = COLOURS[step.action]
        reason = f"  [dim]{escape(step.reason)}[/]" if step.reason else ""
        money = f"  [bold]{by(cost)}[/]" if cost and by(cost) else ""
        self.out.print(f"[{colour}]{step.action}[/] {escape(step.resource.label)}{reason}{money}")
        for change in step.changes:
            before, after = _value(change.before), _value(change.after)
            self.out.print(f"    [dim]{escape(change.path)}:[/] {escape(before)} [dim]->[/] {escape(after)}")

    @contextmanager
    def applying(self, plan: Plan) -> Iterator[None]:
        if not self.out.is_terminal:
            yield
            return
        self._tree = LiveTree(plan)
        try:
            with Live(self._tree, console=self.out, refresh_per_second=8):
                yield
        finally:
            self._tree = None

    def event(self, event: Event) -> None:
        if self._tree is not None:
            self._tree.event(event)
            return
        label = escape(event.step.resource.label)
        match event:
            case Succeeded():
                self.out.print(f"{event.step.action} {label} {DONE[event.step.action]} in {event.seconds:.1f} s")
            case Failed():
                self.out.print(f"! {label} failed after {event.seconds:.1f} s")
            case Skipped():
                self.out.print(f"! {label} skipped: {escape(event.because)}")
            case LeftRunning():
                self.out.print(f"! {label}: not waited for any longer; the operation goes on")

    def outcome(self, outcome: Outcome, seconds: float) -> None:
        for error in outcome.failed.values():
            self._error(str(error), error.hint if isinstance(error, ChatopsError) else None)
        count = len(outcome.done)
        if outcome.complete:
            self.out.print(f"{count} change{'' if count == 1 else 's'} in {seconds:.1f} s")
        else:
            failed, skipped, left = len(outcome.failed), len(outcome.skipped), len(outcome.left_running)
            self.err.print(
                f"incomplete after {seconds:.1f} s: {count} done, {failed} failed, {skipped} skipped, "
                f"{left} left running. The same command goes on from here."
            )

    def status(self, status: StackStatus) -> None:
        self.out.print(status_table(status, self.out.width))

    def watch(self, read: Callable[[], StackStatus], seconds: float, pause: Callable[[float], None]) -> None:
        with Live(status_table(read(), self.out.width), console=self.out, auto_refresh=False) as live:
            while True:
                pause(seconds)
                live.update(status_table(read(), self.out.width), refresh=True)

    def log(self, replica: str, line: str) -> None:
        self.out.print(f"[dim]{escape(replica)}[/] {escape(line)}")

    def record(self, fields: Mapping[str, Any]) -> None:
        width = max((len(name) for name in fields), default=0)
        for name, value in fields.items():
            self.out.print(f"[dim]{escape(name):<{width}}[/]  {escape(str(value))}")

    def value(self, name: str, value: Any) -> None:
        self.out.print(escape(str(value)))

    def change(self, what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in (what, "before", "now"):
            table.add_column(escape(column))
        for name, value in before.items():
            style = "dim" if value == after[name] else "bold"
            table.add_row(f"[dim]{escape(name)}[/]", escape(str(value)), f"[{style}]{escape(str(after[name]))}[/]")
        self.out.print(table)

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        table = Table(box=None, pad_edge=False, header_style="dim")
        names = list(dict.fromkeys(name for row in rows for name in row))
        for name in names:
            table.add_column(name)
        for row in rows:
            table.add_row(*(escape(str(row.get(name, ""))) for name in names))
        natural = sum(max(len(str(row.get(name, ""))) for row in rows) + 1 for name in names)
        if natural > self.out.width:
            self._blocks(rows)
        elif rows:
            self.out.print(table)

    def _blocks(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for first, *others in (row.items() for row in rows):
            self.out.print(f"[bold]{escape(str(first[1]))}[/]")
            for name, value in ((name, value) for name, value in others if value != ""):
                self.out.print(f"  [dim]{name}:[/] {escape(str(value))}", soft_wrap=False)

    def line(self, text: str) -> None:
        self.out.print(escape(text))

    def note(self, text: str) -> None:
        self.err.print(f"[dim]{escape(text)}[/]")

    def problem(self, error: ChatopsError) -> None:
        self._error(error.message, error.hint)

    def _error(self, message: str, hint: str | None) -> None:
        self.err.print(f"[red]error:[/] {escape(message)}")
        if hint:
            self.err.print(f"[dim]  what to do:[/] {escape(hint)}")


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
    columns: tuple[str, ...] = STATUS_COLUMNS
    while len(columns) > len(STATUS_COLUMNS) - LEAST and sum(_widths(columns, rows)) > width:
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


def _value(value: Any) -> str:
    return "(none)" if value is None else str(value)
