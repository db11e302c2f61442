"""The view for programs: one JSON object a line on standard output, errors as an object on standard error."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from chatops.cost.change import Bill
from chatops.engine.apply import Outcome
from chatops.engine.events import Event, Failed, LeftRunning, Progress, Skipped, Started, Succeeded
from chatops.engine.plan import Plan, Step
from chatops.errors import ChatopsError, CloudError, ConfigError
from chatops.views.bill import as_data
from chatops.views.protocol import StackStatus


class JsonView:
    """Writes each thing it is given as one line."""

    def plan(self, plan: Plan, bill: Bill | None = None) -> None:
        counts = {action.name.lower(): plan.count(action) for action in {step.action for step in plan.work}}
        _print(
            {
                "event": "plan",
                "changes": len(plan.work),
                **counts,
                "steps": [_step(s) for s in plan.steps],
                "kept": plan.kept,
                **({"cost": as_data(bill)} if bill else {}),
            }
        )

    @contextmanager
    def applying(self, plan: Plan) -> Iterator[None]:
        yield

    def event(self, event: Event) -> None:
        about = {
            "event": type(event).__name__.lower(),
            "address": event.step.address,
            "action": event.step.action.name.lower(),
        }
        match event:
            case Started():
                _print(about)
            case Progress():
                _print({**about, "message": event.message, "seconds": round(event.seconds, 3)})
            case Succeeded() | LeftRunning():
                _print({**about, "seconds": round(event.seconds, 3)})
            case Failed():
                _print({**about, "seconds": round(event.seconds, 3), "error": str(event.error)})
            case Skipped():
                _print({**about, "because": event.because})

    def outcome(self, outcome: Outcome, seconds: float) -> None:
        fates = {"done": outcome.done, "failed": list(outcome.failed), "skipped": outcome.skipped}
        state = "done" if outcome.complete else "incomplete"
        _print({"event": state, **fates, "left_running": outcome.left_running, "seconds": round(seconds, 3)})

    def status(self, status: StackStatus) -> None:
        _print(dataclasses.asdict(status))

    def watch(self, read: Callable[[], StackStatus], seconds: float, pause: Callable[[float], None]) -> None:
        while True:
            self.status(read())
            pause(seconds)

    def log(self, replica: str, line: str) -> None:
        _print({"replica": replica, "line": line})

    def record(self, fields: Mapping[str, Any]) -> None:
        _print(fields)

    def value(self, name: str, value: Any) -> None:
        _print({name: value})

    def change(self, what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        _print({"event": "changed", "what": what, "before": before, "after": after})

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            _print(row)

    def line(self, text: str) -> None:
        _print({"line": text})

    def note(self, text: str) -> None:
        print(json.dumps({"note": text}), file=sys.stderr, flush=True)

    def problem(self, error: ChatopsError) -> None:
        about: dict[str, Any] = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
        if isinstance(error, CloudError):
            about |= {"code": error.code, "status": error.status}
        if isinstance(error, ConfigError):
            about |= {"problems": [dataclasses.asdict(problem) for problem in error.problems]}
        print(json.dumps({"error": about}), file=sys.stderr, flush=True)


def _step(step: Step) -> dict[str, Any]:
    changes = [{"path": c.path, "before": c.before, "after": c.after} for c in step.changes]
    return {"action": step.action.name.lower(), "address": step.address, "reason": step.reason, "changes": changes}


def _print(fields: Mapping[str, Any]) -> None:
    # one call: events come from many threads, and a line is an object
    sys.stdout.write(json.dumps(fields, default=str) + "\n")
    sys.stdout.flush()
