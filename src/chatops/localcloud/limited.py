"""Requests that are too long: refused by their declared length, or as soon as more has come, and never kept."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import plain

LARGEST = 4 * 2**20
"""Bytes of a request's body that Azure's gateway takes."""

_TOO_LARGE = "The request content size exceeds the maximum size of 4 MB."


class Limited:
    """ASGI middleware: bodies of at most `LARGEST` bytes, except below the path `free`, where files are sent to."""

    def __init__(self, app: ASGIApp, free: str | None = None) -> None:
        self._app = app
        self._free = free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (self._free and scope["path"].startswith(self._free)):
            await self._app(scope, receive, send)
        elif _declared(scope) > LARGEST:
            await plain(413, "RequestContentTooLarge", _TOO_LARGE)(scope, receive, send)
        else:
            await self._app(scope, _counted(receive), send)


def _declared(scope: Scope) -> int:
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


def _counted(receive: Receive) -> Receive:
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST:
            raise HTTPException(413, _TOO_LARGE)
        return message

    return counted
