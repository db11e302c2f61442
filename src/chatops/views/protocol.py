"""What every view can show, and the plain values it is given to show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from chatops.cost.change import Bill
from chatops.engine.apply import Outcome
from chatops.engine.events import Event
from chatops.engine.plan import Plan
from chatops.errors import ChatopsError


@dataclass(frozen=True)
class AppStatus:
    """One container app. `replicas` run, `ready` of them take requests; `restarts` are counted over all of them.

    `in_flight` is the mean of the last minute that was counted, `cold_starts` are of one day; None where nobody tells.
    `kind` is what they are (docker, process, ...), `reason` why one of them ended the last time or does not start.
    """

    name: str
    state: str
    health: str
    revision: str
    image: str
    replicas: int
    ready: int
    minimum: int
    maximum: int
    in_flight: float | None
    restarts: int
    cold_starts: int | None
    url: str | None
    kind: str = ""
    reason: str | None = None


@dataclass(frozen=True)
class StackStatus:
    """A whole stack. `database` says what was asked for and what really runs; `notes` what the reader should know;
    `runtime` what replicas are, where they are not Azure's own containers.
    """

    stack: str
    target: str
    location: str
    url: str | None
    database: str
    apps: tuple[AppStatus, ...]
    notes: tuple[str, ...] = ()
    runtime: str | None = None


class View(Protocol):
    """One way to show things. `applying` is entered around the events of one plan."""

    def plan(self, plan: Plan, bill: Bill | None = None) -> None:
        """Show what will be done, and with a bill what it does to the month's cost."""

    def applying(self, plan: Plan) -> AbstractContextManager[None]: ...

    def event(self, event: Event) -> None: ...

    def outcome(self, outcome: Outcome, seconds: float) -> None: ...

    def status(self, status: StackStatus) -> None: ...

    def watch(self, read: Callable[[], StackStatus], seconds: float, pause: Callable[[float], None]) -> None:
        """Show the status again and again."""

    def log(self, replica: str, line: str) -> None: ...

    def record(self, fields: Mapping[str, Any]) -> None: ...

    def value(self, name: str, value: Any) -> None:
        """Show one value: bare for people, who may want to paste it."""

    def change(self, what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Show how something was and how it is, field by field; both have the same fields."""

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> None: ...

    def line(self, text: str) -> None: ...

    def note(self, text: str) -> None:
        """Show what is no result: on standard error."""

    def problem(self, error: ChatopsError) -> None: ...
