"""The live tree: every resource of a plan under its parent, with its state, its seconds and what it is doing."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from chatops.engine.events import Event, Failed, LeftRunning, Progress, Skipped, Started, Succeeded
from chatops.engine.plan import Action, Plan, Step

COLOURS = {
    Action.NOOP: "dim",
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.REPLACE: "magenta",
    Action.DELETE: "red",
}


@dataclass
class _Line:
    step: Step
    depth: int
    state: str = "waiting"
    began: float = 0.0
    seconds: float | None = None
    message: str = ""


class LiveTree:
    """Give it events; rich draws it again and again."""

    def __init__(self, plan: Plan) -> None:
        self._lines = {line.step.address: line for line in _in_tree_order(plan)}
        self._spinner = Spinner("dots")

    def event(self, event: Event) -> None:
        line = self._lines[event.step.address]
        match event:
            case Started():
                line.state, line.began = "running", time.monotonic()
            case Progress():
                line.message = event.message
            case Succeeded():
                line.state, line.seconds, line.message = "done", event.seconds, ""
            case Failed():
                line.state, line.seconds, line.message = "failed", event.seconds, ""
            case Skipped():
                line.state, line.message = "skipped", event.because
            case LeftRunning():
                line.state, line.seconds, line.message = "left", event.seconds, "goes on without us"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(width=2)
        table.add_column(no_wrap=True, max_width=options.max_width * 3 // 5)
        table.add_column(justify="right", width=8)
        table.add_column(no_wrap=True, overflow="ellipsis", style="dim", ratio=1)
        for line in self._lines.values():
            table.add_row(self._sign(line), self._name(line), self._seconds(line), escape(line.message))
        yield table

    def _sign(self, line: _Line) -> Text | Spinner:
        match line.state:
            case "running":
                return self._spinner
            case "done":
                return Text("✓", style="green")
            case "failed":
                return Text("✗", style="red")
            case "waiting":
                return Text("·", style="dim")
            case _:
                return Text("!", style="yellow")

    def _name(self, line: _Line) -> Text:
        style = "dim" if line.state in ("waiting", "skipped") else ""
        name = Text("  " * line.depth)
        name.append(f"{line.step.action} ", style=COLOURS[line.step.action])
        return name.append(line.step.resource.label, style=style)

    def _seconds(self, line: _Line) -> str:
        if line.state == "running":
            return f"{time.monotonic() - line.began:.1f} s"
        return "" if line.seconds is None else f"{line.seconds:.1f} s"


def _in_tree_order(plan: Plan) -> list[_Line]:
    work = {step.address: step for step in plan.work}
    children: dict[str | None, list[Step]] = {}
    for step in plan.work:
        parent = step.resource.parent if step.resource.parent in work else None
        children.setdefault(parent, []).append(step)

    def below(parent: str | None, depth: int) -> list[_Line]:
        found = []
        for step in children.get(parent, []):
            found.append(_Line(step, depth))
            found += below(step.address, depth + 1)
        return found

    return below(None, 0)
