"""Free TCP ports on loopback, none given out twice."""

from __future__ import annotations

import socket
from collections.abc import Collection


def free_port(preferred: int = 0, avoid: Collection[int] = ()) -> int:
    """`preferred` when nobody listens there, else any free port of 127.0.0.1 that is not in `avoid`. Raises OSError."""
    for port in (preferred, *([0] * (len(avoid) + 1))):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found = int(probe.getsockname()[1])
        if found not in avoid:
            return found
    raise OSError("no free TCP port on 127.0.0.1")


class Ports:
    """Ports of replicas: each is held until it is given back, so that two that start together never get the same."""

    def __init__(self) -> None:
        self._held: set[int] = set()

    def take(self) -> int:
        port = free_port(avoid=self._held)
        self._held.add(port)
        return port

    def give_back(self, port: int) -> None:
        self._held.discard(port)
