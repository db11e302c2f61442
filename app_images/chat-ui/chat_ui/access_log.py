"""One line a request on stdout: method, path, status, milliseconds. No bodies, no headers, no session ids.

Probes that succeed are left out: they come every few seconds and say nothing.
"""

import logging
import sys
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROBES = ("/health", "/ready")
log = logging.getLogger("access")


class AccessLog:
    """ASGI middleware that writes the line when the response has ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it was answered; 499 is a caller that went away before that."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, start = 499, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            if status >= 400 or scope["path"] not in PROBES:
                elapsed = (time.perf_counter() - start) * 1000
                log.info("%s %s %d %.0f ms", scope["method"], scope["path"], status, elapsed)


def to_stdout() -> None:
    """Send every log line to stdout, the way a container's log is collected."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
