"""Trouble in front of a plane: ASGI middleware that delays, throttles and breaks calls as the desk has it."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import clock
from ..operations import FATE, Fate
from .desk import Desk
from .rules import Rule

RESET = "chatops.reset"
"""The scope's extension that drops the connection: see `connection.py`."""

BY_THE_GATEWAY = (401, 403, 429, 500, 502, 503, 504)
"""What Azure's gateway answers by itself, and marks so."""


class Trouble:
    """One plane behind the desk's rules. Paths of planes other than management begin with their host name."""

    def __init__(self, app: ASGIApp, desk: Desk, plane: str) -> None:
        self._app = app
        self._desk = desk
        self._plane = plane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        await clock.sleep(self._desk.latency.request(method, path))
        if self._plane == "management":
            wait, headers = self._desk.throttle.take(method)
            send = _with_headers(send, headers)
            if wait:
                scope["fault"] = "throttled"
                await _throttled(method, wait)(scope, receive, send)
                return
        rule = self._desk.strikes(method, path if self._plane == "management" else _host(scope) + path)
        if rule is None:
            await self._app(scope, receive, send)
            return
        scope["fault"] = rule.answer
        await self._strike(rule, scope, receive, send)

    async def _strike(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        if rule.answer in ("fail", "never"):
            await self._doom(rule, scope, receive, send)
            return
        answer: list[Message] = []
        if rule.after:
            await self._app(scope, receive, _into(answer))
        if rule.answer == "reset":
            scope["extensions"][RESET]["drop"]()
        elif rule.answer == "hang":
            await self._hang(rule, answer, scope, receive, send)
        else:
            await _error(rule, self._plane)(scope, receive, send)

    async def _hang(self, rule: Rule, answer: list[Message], scope: Scope, receive: Receive, send: Send) -> None:
        await self._desk.pause(rule.seconds)
        if scope["extensions"][RESET]["gone"]():
            return
        if not rule.after:
            await self._app(scope, receive, send)
        for message in answer:
            await send(message)

    async def _doom(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the call through; the operation that it starts takes its fate with it."""
        cleared, (code, message) = self._desk.cleared, rule.reason
        end = None if rule.answer == "never" else (code, message)
        token = FATE.set(Fate(end, cleared))
        try:
            await self._app(scope, receive, send)
        finally:
            FATE.reset(token)


def _error(rule: Rule, plane: str) -> Response:
    code, message = rule.reason
    headers = {} if rule.retry_after is None else {"Retry-After": f"{rule.retry_after:g}"}
    if rule.status == 401:
        headers["WWW-Authenticate"] = 'Bearer authorization_uri="https://login.windows.net", error="invalid_token"'
    if plane == "management" and rule.status in BY_THE_GATEWAY:
        headers["x-ms-failure-cause"] = "gateway"
    if rule.status in (401, 429):
        headers["Connection"] = "close"
    inner = {"code": code, "message": message}
    body = {"errors": [inner]} if plane == "registry" else {"error": inner}
    return JSONResponse(body, rule.status, headers)


def _throttled(method: str, wait: float) -> Response:
    text = f"Number of requests exceeded the limit. Please try again after '{max(1, round(wait))}' seconds."
    error = {"code": "SubscriptionRequestsThrottled", "message": text}
    return JSONResponse({"error": error}, 429, {"x-ms-failure-cause": "gateway", "Connection": "close"})


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    if not headers:
        return send
    more = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *more]
        await send(message)

    return noting


def _into(kept: list[Message]) -> Send:
    async def keep(message: Message) -> None:
        kept.append(message)

    return keep


def _host(scope: Scope) -> str:
    sent = dict(scope["headers"])
    return str(sent.get(b"host", b"").decode("latin-1").split(":")[0])
