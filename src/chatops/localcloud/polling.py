"""How a long-running operation is told: its styles, and the tokens, headers, URLs and bodies that clients poll by.

What style a provider has for a verb is a row of `control.styles`.
"""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from . import clock
from .store import Body

ASYNC = "Azure-AsyncOperation"
LOCATION = "Location"
POLL_MS = 100


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
