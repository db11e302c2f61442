"""The HTTP protocol of the daemon's server, with a way for the application to drop the connection under a request."""

from __future__ import annotations

import socket
import struct

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .front import RESET

AT_ONCE = struct.pack("ii", 1, 0)


class Connection(HttpToolsProtocol):
    """`scope["extensions"]["chatops.reset"]`: `drop()` resets the connection, `gone()` tells whether it is closed."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {RESET: {"drop": self._drop, "gone": self._gone}}

    def _drop(self) -> None:
        plain: socket.socket = self.transport.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()

    def _gone(self) -> bool:
        return self.transport.is_closing()
