"""A small service that is good, or bad in the way that the variable KIND says."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KIND = os.environ["KIND"]


class Handler(BaseHTTPRequestHandler):
    """Probes at /health and /ready; what users get anywhere else."""

    def do_GET(self) -> None:
        if KIND == "hangs":
            threading.Event().wait()
        probe = self.path in ("/health", "/ready")
        bad = KIND == "500s" or (KIND == "fails users" and "X-Forwarded-For" in self.headers)
        status = 503 if KIND == "slow start" and probe else 500 if bad and not probe else 200
        body = b"" if KIND == "answers nothing" and not probe else KIND.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        return


def main() -> None:
    print(f"starting, {KIND}", flush=True)
    if KIND == "crash":
        sys.exit(3)
    if KIND == "out of memory":
        os.kill(os.getpid(), signal.SIGKILL)
    port = int(os.environ["CONTAINER_APP_PORT"])
    if KIND == "wrong port":
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    ThreadingHTTPServer((os.environ.get("HOST", "0.0.0.0"), port), Handler).serve_forever()


main()
