"""The language model's service for drills: as good as the real one, or bad in the way that `drill.json` says.

It becomes the command of a copy of lm-api's image; see `rollouts.py`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KIND = json.loads(Path("drill.json").read_text())["kind"]


class Bad(BaseHTTPRequestHandler):
    """Answers its probes and its chats, each in its own bad way."""

    def do_GET(self) -> None:
        if KIND == "hangs":
            threading.Event().wait()
        self.answer(503 if KIND == "slow start" else 200, b'{"status": "loading the model"}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if KIND == "500s":
            self.answer(500, b'{"error": "drill"}')
        else:
            self.answer(200, b"data: [DONE]\n\n")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        print(f"drill: {KIND}: {self.command} {self.path}", flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve_badly() -> None:
    host, port = os.environ.get("HOST") or "0.0.0.0", int(os.environ["CONTAINER_APP_PORT"])  # noqa: S104
    if KIND == "wrong port":
        port = free_port()
    print(f"drill: {KIND}, listening on {port}", flush=True)
    ThreadingHTTPServer((host, port), Bad).serve_forever()


def serve_well() -> None:
    """The real service; what a service of one's own is asked for at `/ready` it answers as at `/health`."""
    from aiohttp import web
    from lm_api import gate

    whole = gate.Gate.application

    def with_ready(self: gate.Gate) -> web.Application:
        async def ready(request: web.Request) -> web.StreamResponse:
            return await self.health(request.clone(rel_url="/health"))

        app = whole(self)
        app.router.add_get("/ready", ready)
        return app

    gate.Gate.application = with_ready  # type: ignore[method-assign]
    import lm_api.__main__  # noqa: F401 - runs the service


match KIND:
    case "good":
        serve_well()
    case "crash at start":
        print("drill: cannot start: the configuration is wrong", flush=True)
        sys.exit(3)
    case "out of memory":  # what the kernel does to a container that takes more than it may
        print("drill: taking more memory than there is", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    case _:
        serve_badly()
