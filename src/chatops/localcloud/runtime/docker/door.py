"""What runs in a door's container: listen there, hand the listening sockets to the daemon, and last as long as it.

The machine's own Python gets it as text (`-c`), alone in an empty image: it may import the standard library only.
Arguments: the door's name, the port.
"""

from __future__ import annotations

import socket
import sys

BACKLOG = 1024

if __name__ == "__main__":
    name, port = sys.argv[1:]
    listening = socket.create_server(("", int(port)), backlog=BACKLOG)
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.connect("/chatops/socket")
        socket.send_fds(daemon, [name.encode()], [listening.fileno()])
        daemon.recv(1)
