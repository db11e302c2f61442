"""`python -m lm_api.probe`: ask the service on this machine for its health; exit code 0 when it is ready.

The image's own health check, for engines that do not probe over HTTP themselves.
"""

import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    """0 when `/health` answers 200, 1 otherwise."""
    port = int(os.environ.get("CONTAINER_APP_PORT") or 8080)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return 0 if answer.status == 200 else 1
    except OSError:
        return 1


sys.exit(main())
