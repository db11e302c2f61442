"""The view for people: a live tree on a terminal, plain lines elsewhere. Colour where it helps, none with NO_COLOR."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from chatops.cost.change import Bill, Change
from chatops.engine.apply import Outcome
from chatops.engine.events import Event, Failed, LeftRunning, Skipped, Succeeded
from chatops.engine.plan import Action, Plan, Step
from chatops.errors import ChatopsError
from chatops.views.bill import by, in_words
from chatops.views.console import console
from chatops.views.listing import listing
from chatops.views.protocol import StackStatus
from chatops.views.status import status_table
from chatops.views.tree import COLOURS, LiveTree

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
        self.out, self.err = console(), console(stderr=True)
        self._live = self.out.is_terminal and not self.out.is_dumb_terminal
        self._tree: LiveTree | None = None

    def plan(self, plan: Plan, bill: Bill | None = None) -> None:
        for step in plan.work:
            self._planned(step, bill.changes[step.address] if bill else None)
        for name in plan.kept:
            self.out.print(f"[dim]  {escape(name)}: not this stack's, left alone[/]")
        counts = ", ".join(f"{plan.count(action)} {verb}" for action, verb in VERBS.items() if plan.count(action))
        self.out.print(f"{len(plan.work)} change{'' if len(plan.work) == 1 else 's'}{': ' if counts else ''}{counts}")
        for line in in_words(bill) if bill and plan.work else ():
            self._sentence(line)

    def _planned(self, step: Step, cost: Change | None) -> None:
        colour = COLOURS[step.action]
        reason = f"  [dim]{escape(step.reason)}[/]" if step.reason else ""
        money = f"  [bold]{by(cost)}[/]" if cost and by(cost) else ""
        self.out.print(f"[{colour}]{step.action}[/] {escape(step.resource.label)}{reason}{money}")
        for change in step.changes:
            before, after = _value(change.before), _value(change.after)
            self.out.print(f"    [dim]{escape(change.path)}:[/] {escape(before)} [dim]->[/] {escape(after)}")

    def _sentence(self, text: str) -> None:
        self.out.print(escape(text), soft_wrap=not self.out.is_terminal)

    @contextmanager
    def applying(self, plan: Plan) -> Iterator[None]:
        if not self._live:
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
                f"{left} left running. The same command goes on from here.",
                soft_wrap=not self.err.is_terminal,
            )

    def status(self, status: StackStatus) -> None:
        self.out.print(status_table(status, self.out.width))

    def watch(self, read: Callable[[], StackStatus], seconds: float, pause: Callable[[float], None]) -> None:
        while not self._live:
            self.status(read())
            pause(seconds)
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
        if not rows:
            return
        fields = list(dict.fromkeys(name for row in rows for name in row if str(row[name])))
        cells = [[str(row.get(name, "")) for name in fields] for row in rows]
        table = listing(fields, cells, self.out.width if self.out.is_terminal else None)
        if table is None:
            self._blocks(fields, cells)
        else:
            self.out.width = max(self.out.width, table.width or 0)
            self.out.print(table, soft_wrap=False)

    def _blocks(self, fields: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        for first, *others in cells:
            self.out.print(f"[bold]{escape(first)}[/]")
            for name, value in zip(fields[1:], others, strict=True):
                if value:  # what has no spaces may be meant to be pasted: it is not broken
                    self.out.print(f"  [dim]{escape(name)}:[/] {escape(value)}", soft_wrap=" " not in value)

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


def _value(value: Any) -> str:
    return "(none)" if value is None else str(value)
