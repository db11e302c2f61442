"""A small real service for the runtime's tests: it streams, holds, fetches, fails and drains on request."""

import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

EVENTS = {key: threading.Event() for key in "ab"}
PATIENCE = 120
ACTIVE = set()
IDLE = threading.Condition()
STATE = {"/ready": 200, "/health": 200}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        finally:
            with IDLE:
                ACTIVE.discard(self)
                IDLE.notify_all()

    def parse_request(self):
        ACTIVE.add(self)
        return super().parse_request()

    def answer(self, body, status=200):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def chunk(self, text):
        data = text.encode()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def do_GET(self):
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path in STATE:
            return self.answer({}, STATE[url.path])
        route = getattr(self, "get_" + url.path.strip("/").replace("/", "_"), None)
        return (
            route(query)
            if route
            else self.answer({"path": self.path, "headers": dict(self.headers.items()), "pid": os.getpid()})
        )

    def get_env(self, query):
        self.answer(dict(os.environ))

    def get_words(self, query):
        import idna

        self.answer([Path(os.environ["DATA_FILE"]).read_text(), idna.__version__])

    def get_stream(self, query):
        self.begin_stream()
        self.chunk("first\n")
        EVENTS[query["key"]].wait(PATIENCE)
        self.chunk("second\n")
        self.chunk("")

    def get_hold(self, query):
        print("holding", query["key"])
        EVENTS[query["key"]].wait(PATIENCE)
        self.answer("held")

    def get_release(self, query):
        EVENTS[query["key"]].set()
        self.answer("released")

    def get_burn(self, query):
        end = time.process_time() + float(query["cpu_seconds"])
        while time.process_time() < end:
            pass
        self.answer("burnt")

    def get_watch(self, query):
        self.begin_stream()
        self.chunk("watching\n")
        self.connection.recv(1)
        print("the reader is gone")

    def get_eat(self, query):
        held = bytearray(int(query["mib"]) << 20)
        self.answer(len(held))

    def get_lookup(self, query):
        try:
            self.answer(socket.gethostbyname(query["host"]))
        except OSError:
            self.answer(None)

    def get_postgres(self, query):
        """The kind of the server's first message to somebody who wants in, and the rest of it."""
        hello = b"\0\3\0\0user\0somebody\0database\0postgres\0\0"
        with socket.create_connection((query["host"], 5432), timeout=PATIENCE) as connection:
            connection.sendall((len(hello) + 4).to_bytes(4) + hello)
            self.answer(connection.recv(1000).decode("latin-1"))

    def get_echo(self, query):
        """A WebSocket that sends every message back; `close` ends it with that code instead. `protocol` is chosen."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        if "protocol" in query:
            self.send_header("Sec-WebSocket-Protocol", query["protocol"])
        self.end_headers()
        self.close_connection = True
        while head := self.rfile.read(2):
            mask, data = self.rfile.read(4), bytearray(self.rfile.read(head[1] & 0x7F))
            for at in range(len(data)):
                data[at] ^= mask[at % 4]
            if data == b"die":
                self.get_die(query)
            if data.startswith(b"close "):
                head, data = b"\x88", int(data[6:]).to_bytes(2) + b"enough"
            self.wfile.write(bytes((head[0], len(data))) + data)
            if head[0] & 0xF == 8:
                return

    def get_die(self, query):
        os.kill(os.getpid(), signal.SIGKILL)

    def get_tear(self, query):
        self.begin_stream()
        self.chunk("half\n")
        os.kill(os.getpid(), signal.SIGKILL)

    def get_spawn(self, query):
        self.answer(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE).pid)

    def get_set(self, query):
        STATE["/" + query["probe"]] = int(query["status"])
        self.answer("set")

    def get_fetch(self, query):
        try:
            with urllib.request.urlopen(query["url"], timeout=PATIENCE) as found:
                self.answer([found.status, found.read().decode()])
        except urllib.error.HTTPError as error:
            self.answer([error.code, error.read().decode()])

    def do_POST(self):
        if self.path == "/die":
            self.get_die({})
        if "Content-Length" in self.headers:
            return self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.begin_stream()
        while size := int(self.rfile.readline(), 16):
            self.chunk(self.rfile.read(size).decode())
            self.rfile.readline()
        self.rfile.readline()
        return self.chunk("")


def main():
    if "CRASH" in os.environ:
        print("cannot start with", os.environ["CRASH"])
        sys.exit(3)
    if "NEVER_READY" in os.environ:
        STATE["/ready"] = 503
    server = ThreadingHTTPServer((os.environ.get("HOST", "0.0.0.0"), int(os.environ["CONTAINER_APP_PORT"])), Handler)

    def drain(*_):
        print("draining")
        threading.Thread(target=server.shutdown).start()

    def ignore(*_):
        with suppress(OSError):  # whoever read this may have ended
            print("ignoring SIGTERM")

    signal.signal(signal.SIGUSR1, lambda *_: [event.set() for event in EVENTS.values()])
    signal.signal(signal.SIGTERM, drain if "STUBBORN" not in os.environ else ignore)
    print("serving in", Path.cwd())
    server.serve_forever()
    server.socket.close()
    with IDLE:
        IDLE.wait_for(lambda: not ACTIVE, 20)
    print("drained", flush=True)
    os._exit(0)  # idle keep-alive connections hold their threads


main()
