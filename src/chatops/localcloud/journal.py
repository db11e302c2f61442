"""The journal of calls: one JSON object a line with when, what, which api-version, how it ended, how long it took, and
which fault rule struck it, if any.

Never bodies, tokens or query values other than the api-version. Of what grows too long, the older half goes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import clock
from .files import Growing

LARGEST = 16 * 2**20  # bytes
_BARE = (204, 304)
"""Answers that never have a body."""


class Calls:
    """The file of the journal, one for all planes."""

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        self._file = Growing(path, largest // 2)

    def note(self, line: Mapping[str, object]) -> None:
        self._file.add(json.dumps(line).encode() + b"\n")


class Journal:
    """ASGI middleware for one plane ("management", "vault", "registry"); notes its calls."""

    def __init__(self, app: ASGIApp, calls: Calls, plane: str) -> None:
        self._app = app
        self._calls = calls
        self._plane = plane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, moment, status, written = time.monotonic(), clock.iso(), 0, False

        def write() -> None:
            nonlocal written
            if not written:
                self._calls.note(self._line(scope, moment, status, time.monotonic() - began))
            written = True

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                last = scope["method"] == "HEAD" or (b"content-length", b"0") in message["headers"] or status in _BARE
            else:
                last = not message.get("more_body")
            if last:  # whoever has the whole answer finds the call in the journal
                write()
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            write()

    def _line(self, scope: Scope, moment: str, status: int, seconds: float) -> dict[str, object]:
        query = dict(part.split("=", 1) for part in scope["query_string"].decode("latin-1").split("&") if "=" in part)
        return {
            "time": moment,
            "plane": self._plane,
            "method": scope["method"],
            "path": scope["path"],
            "api_version": query.get("api-version"),
            "status": status,
            "ms": round(seconds * 1000, 1),
            "fault": scope.get("fault"),
        }
