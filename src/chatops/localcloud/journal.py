"""The journal of calls: one JSON object a line with when, what, which api-version, how it ended, how long it took, and
which fault rule struck it, if any.

Never bodies, tokens or query values other than the api-version.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import clock

_BARE = (204, 304)
"""Answers that never have a body."""


class Journal:
    """ASGI middleware for one plane ("management", "vault", "registry"); appends to `path`."""

    def __init__(self, app: ASGIApp, path: Path, plane: str) -> None:
        self._app = app
        self._plane = plane
        path.touch(mode=0o600)
        self._file = path.open("a", encoding="utf-8", buffering=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, moment, status, written = time.monotonic(), clock.iso(), 0, False

        def write() -> None:
            nonlocal written
            if not written:
                self._file.write(json.dumps(self._line(scope, moment, status, time.monotonic() - began)) + "\n")
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
        query = dict(part.split("=", 1) for part in scope["query_string"].decode().split("&") if "=" in part)
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


def note(path: Path, line: dict[str, object]) -> None:
    """Add what happened beside the calls, e.g. a tunnel that was refused."""
    path.touch(mode=0o600)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time": clock.iso(), **line}) + "\n")
