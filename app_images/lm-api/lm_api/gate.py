"""The gate: the service's port, open from the first moment, passing on what the model may see.

A pass-through over a Unix socket: the request is read and checked whole, the answer is handed on byte for byte as it
comes. It adds less than a millisecond to the first token.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from lm_api.admission import Limits, chat_request, text_request
from lm_api.errors import Refused
from lm_api.settings import Settings

# the engine has 128 HTTP threads; the rest is for health and metrics
MAX_IN_FLIGHT = 96
MAX_BODY = 1024 * 1024
QUIET_PATHS = ("/health", "/metrics")
ADMISSION = {"/v1/chat/completions": chat_request, "/v1/completions": text_request}
ENGINE_READS = ("/v1/models", "/metrics")

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
        app = web.Application(client_max_size=MAX_BODY, middlewares=[refusals])
        app.router.add_get("/health", self.health)
        app.router.add_routes([web.get(path, self.read) for path in ENGINE_READS])
        app.router.add_routes([web.post(path, self.complete) for path in ADMISSION])
        return app

    def open(self, socket: str) -> None:
        """Let requests through to the engine on this socket."""
        connector = aiohttp.UnixConnector(socket, limit=0)
        self.engine = aiohttp.ClientSession("http://engine", connector=connector, timeout=aiohttp.ClientTimeout())
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
        async with self._ready().get(request.path) as answer:
            body = await answer.read()
            return web.Response(body=body, status=answer.status, headers=_content_type(answer))

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
    response = web.StreamResponse(status=answer.status, headers=_content_type(answer))
    if answer.content_type != "text/event-stream":
        response.content_length = answer.content_length
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


def _content_type(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {"Content-Type": answer.headers.get("Content-Type", "application/json"), "Cache-Control": "no-store"}


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error in the envelope of the OpenAI API."""
    try:
        return await handler(request)
    except Refused as refused:
        return error_response(refused.status, refused.message, refused.param)
    except web.HTTPException as error:
        return error_response(error.status, error.reason, None)
    except aiohttp.ClientError:
        return error_response(502, "the engine broke off the answer", None)


def error_response(status: int, message: str, param: str | None) -> web.Response:
    """An error as the OpenAI API says it."""
    kind = "invalid_request_error" if status < 429 else "rate_limit_error" if status == 429 else "unavailable_error"
    error: dict[str, Any] = {"message": message, "type": kind, "param": param, "code": status}
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    return web.json_response({"error": error}, status=status, headers=headers, dumps=json.dumps)


class RequestLog(AbstractAccessLogger):
    """One line a request: method, path, status, milliseconds; never a header or a message."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the line; probes that go well stay quiet."""
        if request.path in QUIET_PATHS and response.status == 200:
            return
        level = logging.INFO if response.status < 500 else logging.WARNING
        self.logger.log(level, "%s %s %d %.0f ms", request.method, request.path, response.status, time * 1000)
