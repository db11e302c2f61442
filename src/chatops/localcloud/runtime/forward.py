"""One request, from the ingress to a replica and back: streamed both ways, held, retried where that is safe."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import yarl
from aiohttp import hdrs, web
from multidict import CIMultiDict

from . import websockets
from .apps import App, NotServing, Visit
from .replicas import Replica

HOLD = 240.0  # seconds: Azure's ingress limit for a request, here for one that waits for a replica or for its next byte
WAITING_LIMIT = 1000  # requests of one app that may wait or run at once
ATTEMPTS = 2  # replicas that one request may see end: the third might be its fault
REPLAYABLE = 64 * 1024  # bytes of body that are kept to try another replica
HEADER_LIMIT = 32 * 1024
_IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"}
_HOP_BY_HOP = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "expect"),
}


class Refused(Exception):
    """The replica did not answer; another may be asked. `sent`: it may have begun, which is harmless to repeat."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__()
        self.sent = sent


@dataclass(frozen=True)
class Upstream:
    """Where a request goes: `host` that it was sent to, `path` and query as sent, and the headers to send.

    `outside`: it came from outside the environment.
    """

    host: str
    path: str
    headers: CIMultiDict[str]
    outside: bool = False


class Forwarder:
    """Sends requests on. Idempotent ones share kept-alive connections; any other gets a connection of its own, so that
    a connection closed for its age is never mistaken for an answer lost.
    """

    def __init__(self) -> None:
        self._pooled = _session(aiohttp.TCPConnector(limit=0, keepalive_timeout=4))
        self._fresh = _session(aiohttp.TCPConnector(limit=0, force_close=True))
        self._outside = _session(aiohttp.TCPConnector(limit=100), trust_env=True)

    async def close(self) -> None:
        for session in (self._pooled, self._fresh, self._outside):
            await session.close()

    async def to_app(self, request: web.BaseRequest, app: App, upstream: Upstream) -> web.StreamResponse:
        """The app's answer; 503 when no replica took the request in time or the app is overrun. It is counted."""
        began = asyncio.get_running_loop().time()
        visit = app.visit(upstream.host)
        answer = await self._answer(request, app, visit, upstream)
        seconds = asyncio.get_running_loop().time() - began
        app.tally.answered(visit.revision, answer.status, seconds, outside=upstream.outside)
        return answer

    async def _answer(self, request: web.BaseRequest, app: App, visit: Visit, upstream: Upstream) -> web.StreamResponse:
        if app.in_flight >= WAITING_LIMIT:
            return text(503, f"{app.spec.name} has {WAITING_LIMIT} requests in flight already")
        body = await _body(request)
        try:
            with visit:
                return await self._until_taken(request, visit, upstream, body)
        except NotServing:
            return text(503, f"no revision of {app.spec.name} is running")
        except TimeoutError:
            return text(503, f"no replica of {app.spec.name} was ready within {HOLD:g} s")

    async def _until_taken(
        self, request: web.BaseRequest, visit: Visit, upstream: Upstream, body: bytes | None
    ) -> web.StreamResponse:
        deadline = asyncio.get_running_loop().time() + HOLD
        tried: set[Replica] = set()
        lost = 0
        while lost < ATTEMPTS:
            async with asyncio.timeout_at(deadline):
                replica = await visit.available(tried)
            replica.in_flight += 1
            replica.touched = True
            try:
                return await self._attempt(request, replica, upstream, body)
            except Refused as refused:
                lost += refused.sent
                tried.add(replica)
            finally:
                replica.in_flight -= 1
        return text(502, f"{ATTEMPTS} replicas ended before they answered")

    async def _attempt(
        self, request: web.BaseRequest, replica: Replica, upstream: Upstream, body: bytes | None
    ) -> web.StreamResponse:
        idempotent = request.method in _IDEMPOTENT
        session = self._pooled if idempotent and not body else self._fresh
        host, port = replica.address
        url = yarl.URL(f"http://{host}:{port}{upstream.path}", encoded=True)
        data = request.content if body is None else body or None
        sent: list[str] = []
        try:
            if websockets.wanted(request.headers):
                inner = await websockets.connect(self._fresh, request, url, upstream.headers)
                return await websockets.relay(request, inner)
            answer = await session.request(
                request.method, url, headers=upstream.headers, data=data, allow_redirects=False, trace_request_ctx=sent
            )
        except aiohttp.WSServerHandshakeError as error:
            return text(error.status, f"{request.path} is no WebSocket of the app's")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Refused(sent=bool(sent)) from error  # the client itself may have sent it once over an old connection
        except aiohttp.ServerTimeoutError:
            return text(504, f"the app sent nothing for {HOLD:g} s")
        except aiohttp.ClientError as error:
            if idempotent and body is not None:
                raise Refused(sent=True) from error
            return text(502, "the replica ended before it answered")
        return await _send_back(request, answer)

    async def to_outside(self, request: web.BaseRequest, url: str, headers: CIMultiDict[str]) -> web.StreamResponse:
        """A replica's plain HTTP to the world, which Azure would let out as well."""
        body = await _body(request)
        data = request.content if body is None else body or None
        try:
            answer = await self._outside.request(
                request.method, yarl.URL(url, encoded=True), headers=headers, data=data, allow_redirects=False
            )
        except (aiohttp.ClientError, ValueError) as error:
            return text(502, f"{url} cannot be reached from this machine: {error}")
        return await _send_back(request, answer)


def _session(connector: aiohttp.TCPConnector, *, trust_env: bool = False) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=HOLD),
        max_line_size=HEADER_LIMIT,
        max_field_size=HEADER_LIMIT,
        trust_env=trust_env,
        trace_configs=[_noting_what_was_sent()],
    )


def _noting_what_was_sent() -> aiohttp.TraceConfig:
    trace = aiohttp.TraceConfig()

    async def note(_: aiohttp.ClientSession, context: Any, __: aiohttp.TraceRequestHeadersSentParams) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx.append("headers")

    trace.on_request_headers_sent.append(note)
    return trace


async def _body(request: web.BaseRequest) -> bytes | None:
    """The whole body when it is small enough to be sent twice; None: it must be streamed."""
    if not request.body_exists:
        return b""
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # nothing of the answer was sent yet
    if request.content_length is None or request.content_length > REPLAYABLE:
        return None
    return await request.read()


async def _send_back(request: web.BaseRequest, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    async with answer:
        response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=end_to_end(answer.headers))
        await response.prepare(request)
        try:
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
        except aiohttp.ClientError:  # of the replica, or of a client that went away
            if request.transport is not None:  # a clean end would pass a torn answer off as a whole one
                request.transport.abort()
        return response


def end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers without those that belong to one connection."""
    found = CIMultiDict(headers)
    named = {name.strip().lower() for value in found.getall(hdrs.CONNECTION, []) for name in value.split(",")}
    return CIMultiDict((name, value) for name, value in found.items() if name.lower() not in _HOP_BY_HOP | named)


def request_headers(request: web.BaseRequest, host: str) -> CIMultiDict[str]:
    """What a replica gets: the client's headers, and who asked for what as Azure's ingress says it."""
    headers = end_to_end(CIMultiDict(request.headers))
    before = headers.get("X-Forwarded-For")
    headers["X-Forwarded-For"] = f"{before}, {request.remote}" if before else str(request.remote)
    headers["X-Forwarded-Proto"] = "https" if request.secure else "http"
    headers["X-Forwarded-Host"] = host
    headers.setdefault("X-Request-Id", str(uuid.uuid4()))
    return headers


def text(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    """A short answer of the ingress's own."""
    return web.Response(status=status, text=message + "\n", headers=headers)
