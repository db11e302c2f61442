"""Long-running operations: started by a write, polled by the client, settled when the real work behind them ends.

How a provider reports them (statuses, headers, URLs, bodies) is a row of `control.styles`; this module runs, remembers
and answers. Operations are stored: a poll after a restart of the daemon gets an honest answer.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import quote

from . import clock
from .errors import ArmError
from .runtime.spec import RuntimeFailure
from .store import Body, Store

log = logging.getLogger(__name__)

ASYNC = "Azure-AsyncOperation"
LOCATION = "Location"
SPACE = "operations"
POLL_MS = 100
KEPT = timedelta(days=1)


@dataclass(frozen=True)
class Style:
    """How one provider reports one verb.

    `status` answers a create (or a delete), `updated` a write to what exists. `headers` names which of the two polling
    headers go out; `path` and `result` are the templates of their URLs. `answer` is the body of the first response,
    `fields` the members of a status body, `running` the word for "not yet" (None: the resource's own state), `polled`
    the HTTP status while running, and `done` what the Location URL gives in the end. `form` is how its ids look;
    `settles` without headers: the resource itself is what the client polls. `spaced` URLs name the region as it is
    displayed; `repeats` polls carry the headers again; `tells_where` puts the resource's path in `Location`.
    """

    status: int = 200
    updated: int = 200
    headers: tuple[str, ...] = ()
    path: str = ""
    result: str = ""
    query: str = ""
    answer: str = "resource"
    fields: tuple[str, ...] = ("status",)
    running: str | None = "InProgress"
    polled: int = 200
    done: Literal["resource", "nothing", "status"] = "nothing"
    done_status: int = 200
    form: Literal["guid", "base64", "registry", "job"] = "guid"
    settles: bool = False
    spaced: bool = False
    repeats: bool = False
    tells_where: bool = False
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def synchronous(self) -> bool:
        return not self.headers and not self.settles


SYNC = Style(status=201, updated=200)


@dataclass
class Operation:
    """One operation, as it is stored. `target` is the id of the resource that it works on."""

    token: str
    style: str
    verb: str
    target: str
    location: str
    name: str
    state: str
    status: str = "Running"
    error: Body | None = None
    failed_with: int = 0
    start: str = field(default_factory=clock.iso)
    end: str = ""
    guid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def finished(self) -> bool:
        return self.status != "Running"


Work = Callable[[], Awaitable[None]]
Settle = Callable[[Operation], None]
Pace = Callable[[Operation], float]
"""How many seconds an operation takes at least; without one, as long as the real work behind it."""


@dataclass(frozen=True)
class Fate:
    """What is in store for an operation instead of its work: to fail with a code and a message, or (None) no end.

    One without end does its work after all when `released` is set.
    """

    failure: tuple[str, str] | None
    released: asyncio.Event

    async def befall(self) -> None:
        if self.failure:
            raise ArmError(400, *self.failure)
        await self.released.wait()


FATE: ContextVar[Fate | None] = ContextVar("fate", default=None)
"""Set around the request that starts an operation; the operation's task takes it over."""


class Operations:
    """Everything under way and everything that ended lately."""

    def __init__(self, store: Store, pace: Pace = lambda _: 0.0) -> None:
        self._store = store
        self._pace = pace
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._all = {key: Operation(**body) for key, body in store.below(SPACE)}
        self._forget_old()

    def _forget_old(self) -> None:
        limit = clock.iso(clock.now() - KEPT)
        with self._store.together():
            for key in [key for key, operation in self._all.items() if operation.finished and operation.end < limit]:
                del self._all[key]
                self._store.delete(SPACE, key)

    def on(self, target: str) -> Operation | None:
        """The operation under way on this resource, if any."""
        key = target.lower()
        return next((op for op in self._all.values() if not op.finished and op.target.lower() == key), None)

    def below(self, target: str) -> list[Operation]:
        """The operations under way on what is nested in this resource."""
        return [op for op in self.unfinished() if op.target.lower().startswith(f"{target.lower()}/")]

    def unfinished(self) -> list[Operation]:
        return [op for op in self._all.values() if not op.finished]

    def by_token(self, token: str) -> Operation | None:
        return self._all.get(token.lower())

    def open(self, operation: Operation) -> None:
        """Remember an operation; part of the transaction that stores its resource."""
        self._store.put(SPACE, operation.token.lower(), asdict(operation))
        self._all[operation.token.lower()] = operation
        self._forget_old()

    def run(self, operation: Operation, work: Work, settle: Settle) -> None:
        """Do the work in the background, then `settle` the resource together with the operation."""
        task = asyncio.get_running_loop().create_task(self._carry_out(operation, work))
        key = operation.token.lower()
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._ended(operation, done, settle))

    async def wait(self, target: str) -> None:
        """Return when nothing is under way on this resource."""
        while (operation := self.on(target)) and (task := self._tasks.get(operation.token.lower())):
            await asyncio.wait([task])

    async def stop(self, others: Iterable[asyncio.Task[None]] = ()) -> None:
        """Leave what is under way as it is; it is taken up again at the next start. Ends `others` as well."""
        tasks = [*self._tasks.values(), *others]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def cancel(self, operation: Operation) -> None:
        """End an operation's work now, unless it has ended by itself; its resource stays as it is."""
        if task := self._tasks.get(operation.token.lower()):
            task.cancel()
            await asyncio.wait([task])
        if operation.finished:
            return
        operation.status, operation.end = "Canceled", clock.iso()
        operation.error = {"code": "Canceled", "message": "The operation was canceled."}
        self._store.put(SPACE, operation.token.lower(), asdict(operation))

    async def _carry_out(self, operation: Operation, work: Work) -> None:
        pause = asyncio.ensure_future(clock.sleep(self._pace(operation)))
        try:
            if fate := FATE.get():
                await fate.befall()
            await work()
            await pause
        except ArmError as failure:
            operation.error, operation.failed_with = failure.error, failure.status
        except RuntimeFailure as failure:
            operation.error, operation.failed_with = {"code": failure.code, "message": str(failure)}, 400
        finally:
            pause.cancel()

    def _ended(self, operation: Operation, task: asyncio.Task[None], settle: Settle) -> None:
        self._tasks.pop(operation.token.lower(), None)
        if task.cancelled():
            return
        if (unexpected := task.exception()) is not None:
            log.error("%s %s failed", operation.verb, operation.target, exc_info=unexpected)
            operation.error = {"code": "InternalServerError", "message": "An unexpected error; see the daemon's log."}
            operation.failed_with = 500
        operation.status = "Failed" if operation.error else "Succeeded"
        operation.end = clock.iso()
        with self._store.together():
            settle(operation)
            self._store.put(SPACE, operation.token.lower(), asdict(operation))


def new_token(style: Style, name: str, location: str) -> str:
    """The last segment of an operation's URLs, in the provider's own form."""
    guid = str(uuid.uuid4())
    if style.form == "registry":
        return f"registries-{guid}"
    if style.form == "base64":
        return _base64(guid)
    if style.form == "job":
        escaped = name.upper().replace("-", ":2D").replace("_", ":5F")
        job = {"jobId": f"RESOURCEGROUPDELETIONJOB-{escaped}-{location}", "jobLocation": location}
        return _base64(json.dumps(job, separators=(",", ":")))
    return guid


def _base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def headers(operation: Operation, style: Style, origin: str, version: str) -> dict[str, str]:
    """The polling headers of an answer. The small delay keeps SDK pollers from their default of 30 seconds."""
    urls = {ASYNC: style.path, LOCATION: style.result}
    found = {name: _url(operation, urls[name], style, origin, version) for name in style.headers}
    return {**found, **dict(style.extra), "x-ms-retry-after-ms": str(POLL_MS)} if found else {}


def _url(operation: Operation, template: str, style: Style, origin: str, version: str) -> str:
    parts = operation.target.split("/")
    path = template.format(
        id=operation.target,
        subscription=parts[2],
        group=parts[4] if len(parts) > 4 else "",
        location=quote(operation.location if style.spaced else operation.location.lower().replace(" ", "")),
        name=operation.name,
        token=operation.token,
    )
    return f"{origin}{path}?api-version={version}{style.query}"


def status_body(operation: Operation, style: Style, path: str) -> dict[str, Any]:
    """What the status URL shows now, in the members that this provider uses."""
    running = style.running or operation.state
    every: dict[str, Any] = {
        "id": path,
        "name": operation.token,
        "status": operation.status if operation.finished else running,
        "startTime": operation.start,
        "endTime": operation.end or None,
        "properties": {},
        "createdDateTime": operation.start,
        "lastActionDateTime": operation.end or None,
    }
    found = {name: every[name] for name in style.fields if every[name] is not None}
    if operation.error:
        found["error"] = operation.error
    return found
