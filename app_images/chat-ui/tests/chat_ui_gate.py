"""A TCP gate in front of a real server: lets a test decide when bytes pass, when a connection breaks, who is away."""

import socket
import threading
from contextlib import suppress

FIRST_WORD = b'"content":"'
AWAY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Gate:
    """Forwards loopback connections. `hold` stops every answer after its first word, until `release` or `cut`."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.reset()
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Everything passes again, and the counts start over."""
        self._open = threading.Event()
        self._open.set()
        self.held = threading.Event()
        self._broken = False
        self.requests = 0
        self.away_for = 0

    def hold(self) -> None:
        """From now on, stop every answer after its first word; `held` is set when one is."""
        self._open.clear()

    def release(self) -> None:
        """Let the held answers go on."""
        self._open.set()

    def cut(self) -> None:
        """Break the connections of the held answers."""
        self._broken = True
        self._open.set()

    def close(self) -> None:
        """Accept no more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self.away_for > 0:
                self.away_for -= 1
                client.recv(65536)
                client.sendall(AWAY)
                return
            with socket.create_connection(self._target) as server:
                threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
                self._answers(server, client)

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                self.requests += data.count(b"POST ")
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        while data := server.recv(65536):
            head, word, rest = data.partition(FIRST_WORD)
            if not word or self._open.is_set():
                client.sendall(data)
                continue
            first, end, rest = rest.partition(b"\n\n")
            client.sendall(head + word + first + end)
            self.held.set()
            self._open.wait()
            if self._broken:
                client.shutdown(socket.SHUT_RDWR)  # closing alone waits for the other thread's recv
                return
            client.sendall(rest)
