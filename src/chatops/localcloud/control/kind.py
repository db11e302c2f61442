"""The row type of the control plane: what sets one resource type apart from the generic handling in `arm`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Literal

from starlette.responses import Response

from ..errors import ArmError, gateway
from ..identity import Claims
from ..ids import Id
from ..polling import Operation
from ..store import Body, Record
from ..world import World


@dataclass
class Call:
    """One authenticated request to the management API. `query` has lower-case names, `body` no nulls.

    `outside` is what `Kind.ask` found out before the write is judged.
    """

    world: World
    method: str
    id: Id
    kind: Kind | None
    version: str
    query: Mapping[str, str]
    body: Body
    claims: Claims
    origin: str
    headers: Mapping[str, str] = field(default_factory=dict)
    outside: Body = field(default_factory=dict)


@dataclass
class Change:
    """One write on its way into the store.

    `record` is what will be stored and may be changed by `check` and `fill`; `previous` what was there. `private`
    carries values that are used once and never stored (a password); what starts out there was `Kind.write_only`.
    `beside` are writes to the store that belong to this one: all of them are kept, or none.
    """

    call: Call
    kind: Kind
    record: Record
    previous: Record | None
    private: Body = field(default_factory=dict, repr=False)
    beside: list[Callable[[], None]] = field(default_factory=list, repr=False)

    @property
    def world(self) -> World:
        return self.call.world

    @property
    def id(self) -> Id:
        return self.call.id

    @property
    def properties(self) -> Body:
        return self.record.properties

    @property
    def new(self) -> bool:
        return self.previous is None


@dataclass(frozen=True)
class States:
    """The words of one provider for a resource's state, and the member that carries them (None: it shows no state)."""

    member: str | None = "provisioningState"
    creating: str = "Succeeded"
    updating: str = "Succeeded"
    done: str = "Succeeded"
    failed: str = "Failed"
    deleting: str = "Deleting"


@dataclass(frozen=True)
class NameRule:
    """Which names Azure takes, and how it says no; `{name}` in the sentence."""

    pattern: str
    code: str = "InvalidResourceName"
    message: str = "Resource name '{name}' is invalid."

    def check(self, name: str) -> None:
        if not re.fullmatch(self.pattern, name):
            raise gateway(400, self.code, self.message.format(name=name))


def _busy(operation: Operation) -> ArmError:
    return ArmError(
        409,
        "Conflict",
        f"Another operation on this or dependent resource is in progress. OperationId: {operation.guid}",
    )


def _precondition(id: Id) -> ArmError:
    return ArmError(412, "PreconditionFailed", f"Precondition failed for resource '{id.text}'. Etag mismatch.")


def _no_check(change: Change) -> None:
    return None


def _shown(world: World, record: Record) -> Body:
    return record.body


def _deletable(world: World, record: Record) -> None:
    return None


@dataclass(frozen=True)
class Turn:
    """A stop or a start: a long-running POST that changes what runs, and nothing that is declared.

    `style` is how it is reported. The resource shows `going` meanwhile, `done` afterwards and `was` when it failed.
    """

    style: str
    was: str
    going: str
    done: str
    work: Callable[[World, Record], Awaitable[None]]
    check: Callable[[Record], None] = lambda record: None


Apply = Callable[[World, Record, Body], Awaitable[None]]
Remove = Callable[[World, Record], Awaitable[None]]
Action = Callable[[Call, Record], Awaitable[Body | Response]]
Ask = Callable[[Call], Awaitable[Body]]


@dataclass(frozen=True)
class Kind:
    """One resource type.

    `defaults` are merged under what the caller sent; `kept` are properties that Azure computes once and carries over;
    `once` are those that the caller sets at creation only; `write_only` are properties that are taken and never
    stored. `ask` looks outside this world first; `check` refuses, `fill` computes; `apply` and `remove` are the real
    work behind a write and a delete, called again after a restart when they did not end. `background` work holds up no
    other write, and a delete ends it. What lives elsewhere (in a data plane, in the runtime) is fetched by
    `read` and `listing`. `echo` is how the provider spells a location; `rank` orders the deletion of a
    group, low first. `turns` are stops and starts by their verb. `vanished` answers reads while a deletion runs,
    `orphan` those below a parent that is not there; a `late_precondition` fails inside the operation; `respelled` is
    how ids differ from what was asked for.
    """

    type: str
    name: NameRule = NameRule(r"[A-Za-z0-9][A-Za-z0-9._()-]{0,89}")
    put: str | None = "sync"
    patch: str | None = "sync.200"
    delete: str | None = "sync.delete"
    states: States = States()
    location: str | None = "required"
    rank: int = 50
    echo: Literal["as sent", "display"] = "as sent"
    respelled: tuple[str, str] | None = None
    etag: bool = False
    system_data: bool = False
    unchanged: str | None = None
    defaults: Mapping[str, object] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    write_only: tuple[str, ...] = ()
    ask: Ask | None = None
    check: Callable[[Change], None] = _no_check
    fill: Callable[[Change], None] = _no_check
    show: Callable[[World, Record], Body] = _shown
    deletable: Callable[[World, Record], None] = _deletable
    apply: Apply | None = None
    remove: Remove | None = None
    background: bool = False
    busy: Callable[[Operation], ArmError] = _busy
    actions: Mapping[str, Action] = field(default_factory=dict)
    turns: Mapping[str, Turn] = field(default_factory=dict)
    read: Callable[[World, Id], Body | None] | None = None
    listing: Callable[[Call], list[Body]] | None = None
    missing: Callable[[Id], ArmError] | None = None
    vanished: Callable[[Id], ArmError] | None = None
    orphan: Callable[[Id], ArmError] | None = None
    precondition: Callable[[Id], ArmError] = _precondition
    late_precondition: bool = False

    @property
    def tracked(self) -> bool:
        """Whether it has a location and tags, and so appears in the list of all resources."""
        return self.location is not None and self.read is None


read_only = partial(Kind, put=None, patch=None, delete=None, location=None)
"""A type that clients only read: what makes it is somewhere else."""


@dataclass(frozen=True)
class Endpoint:
    """A path of its own beside the resources: name checks, deleted vaults, provider registration.

    `path` is a template such as `/subscriptions/{subscription}/providers/Microsoft.X/locations/{location}/check`,
    matched without regard to case. The handler gets the call and what stood for the braces.
    """

    method: str
    path: str
    handler: Callable[[Call, Mapping[str, str]], Awaitable[Body | Response]]
    action: str = "Microsoft.Resources/subscriptions/read"

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        found = self._pattern.fullmatch(path) if method == self.method else None
        return found.groupdict() if found else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)), re.IGNORECASE)
