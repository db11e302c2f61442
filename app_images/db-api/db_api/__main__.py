"""`python -m db_api`: serve until SIGTERM, then finish the requests in flight and exit 0."""

import os
import signal
import sys

import uvicorn

from .access_log import to_stdout
from .app import create_app
from .settings import Settings, SettingsError

DRAIN = 25  # seconds; Azure Container Apps kills a replica 30 s after SIGTERM
KEEP_ALIVE = 75  # seconds; longer than the ingress keeps an idle connection, so that it never writes into a closed one


def main() -> None:
    """Serve with the settings of the environment; exit code 2 when they cannot be used."""
    try:
        settings = Settings.from_environ(os.environ)
    except SettingsError as error:
        print(f"db-api: {error}", file=sys.stderr)
        sys.exit(2)
    to_stdout()
    # uvicorn drains, then raises the signal again for whoever handled it before: here that is a clean exit
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=DRAIN,
        timeout_keep_alive=KEEP_ALIVE,
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
