"""`python -m chat_ui.probe` exits 0 when this container's server is alive (the Dockerfile's HEALTHCHECK)."""

import os
import sys
from http.client import HTTPConnection


def alive() -> bool:
    """Whether GET /health on the loopback interface is answered with 200 within two seconds."""
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("CONTAINER_APP_PORT") or "8080"), timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(0 if alive() else 1)
