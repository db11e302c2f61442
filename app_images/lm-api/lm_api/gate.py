"""The gate: the service's port, open from the first moment, passing on what the model may see.

A pass-through over a Unix socket: the request is read and checked whole, the answer is handed on byte for byte as it
comes. It adds less than a millisecond to the first token.
"""

import logging
import time
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import web

from lm_api.admission import Limits, chat_request, text_request
from lm_api.errors import Refused
from lm_api.settings import Settings

log = logging.getLogger("lm-api")

# the engine has 128 HTTP threads; the rest is for health and metrics
MAX_IN_FLIGHT = 96
MAX_BODY = 1024 * 1024
READ_TIMEOUT = aiohttp.ClientTimeout(total=5)
NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
QUIET_PATHS = ("/health", "/metrics")
ADMISSION = {"/v1/chat/completions": chat_request, "/v1/completions": text_request}
ENGINE_READS = ("/v1/models", "/metrics")
CLIENT_CLOSED_REQUEST = 499

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """The state of the service and its handlers.

    `state` is what `/health` says: anything but "ok" is a 503. `engine` is the client of the engine's socket, None
    until the model is loaded.
    """

    def __init__(self, settings: Settings) -> None:
        self.limits = Limits(settings.model_name, settings.max_tokens)
        self.state = "starting"
        self.engine: aiohttp.ClientSession | None = None
        self.in_flight = 0

    def application(self) -> web.Application:
        """The routes; anything else is a 404."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[logged, refusals])
        app.router.add_get("/health", self.health)
        app.router.add_routes([web.get(path, self.read) for path in ENGINE_READS])
        app.router.add_routes([web.post(path, self.complete) for path in ADMISSION])
        return app

    def open(self, socket: str) -> None:
        """Let requests through to the engine on this socket."""
        connector = aiohttp.UnixConnector(socket, limit=0)
        self.engine = aiohttp.ClientSession("http://engine", connector=connector, timeout=NO_TIMEOUT)
        self.state = "ok"

    async def close(self) -> None:
        """Let go of the engine."""
        if self.engine is not None:
            await self.engine.close()

    async def health(self, request: web.Request) -> web.StreamResponse:
        """200 when the engine answers, 503 with the reason while it is downloaded, loaded or stopped."""
        if self.state == "ok":
            return await self.read(request)
        return web.json_response({"status": self.state}, status=503)

    async def read(self, request: web.Request) -> web.StreamResponse:
        """Hand on what the engine says about itself."""
        async with self._ready().get(request.path, timeout=READ_TIMEOUT) as answer:
            return web.Response(body=await answer.read(), status=answer.status, headers=_headers(answer))

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """A completion, plain or streamed; at most MAX_IN_FLIGHT at once."""
        engine = self._ready()
        asked = ADMISSION[request.path](await request.read(), self.limits)
        if self.in_flight >= MAX_IN_FLIGHT:
            raise Refused(f"{self.in_flight} requests are waiting already; try again", status=429)
        self.in_flight += 1
        try:
            async with engine.post(request.path, json=asked) as answer:
                return await _hand_on(request, answer)
        finally:
            self.in_flight -= 1

    def _ready(self) -> aiohttp.ClientSession:
        if self.engine is None:
            raise Refused(f"the model is not ready: {self.state}", status=503)
        return self.engine


async def _hand_on(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_headers(answer))
    response.content_length = answer.content_length
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except aiohttp.ClientError:
        if request.transport is not None:  # begun, so no status can say it: cut it off, not end it as if it were whole
            request.transport.abort()
    return response


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {"Content-Type": answer.headers.get("Content-Type", "application/json"), "Cache-Control": "no-store"}


@web.middleware
async def logged(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line a request: method, path, status, milliseconds; never a header or a message. Good probes stay quiet."""
    begun, status = time.monotonic(), CLIENT_CLOSED_REQUEST
    try:
        response = await handler(request)
        status = response.status
        return response
    finally:
        if status != 200 or request.path not in QUIET_PATHS:
            log.info("%s %s %d %.0f ms", request.method, request.path, status, 1000 * (time.monotonic() - begun))


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error in the envelope of the OpenAI API."""
    try:
        return await handler(request)
    except Refused as refused:
        return error_response(refused.status, refused.message, refused.param)
    except web.HTTPException as error:
        return error_response(error.status, error.reason, None)
    except (aiohttp.ClientError, TimeoutError):
        return error_response(503, "the engine does not answer", None)


def error_response(status: int, message: str, param: str | None) -> web.Response:
    """An error as the OpenAI API says it."""
    kind = "invalid_request_error" if status < 429 else "rate_limit_error" if status == 429 else "unavailable_error"
    error = {"message": message, "type": kind, "param": param, "code": status}
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    return web.json_response({"error": error}, status=status, headers=headers)
