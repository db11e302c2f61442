"""`python -m chat_ui`: serve until SIGTERM, then finish the requests and answers in flight and exit 0."""

import os
import signal
import sys
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI

from .access_log import to_stdout
from .app import create_app
from .settings import Settings, SettingsError

DRAIN = 25  # seconds; Azure Container Apps kills a replica 30 s after SIGTERM
KEEP_ALIVE = 75  # seconds; longer than the ingress keeps an idle connection, so that it never writes into a closed one


class Server(uvicorn.Server):
    """Tells the application when it has to be done."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain."""
        self._app.state.stop_at = time.monotonic() + DRAIN
        super().handle_exit(sig, frame)


def main() -> None:
    """Serve with the settings of the environment; exit code 2 when they cannot be used."""
    try:
        settings = Settings.from_environ(os.environ)
    except SettingsError as error:
        print(f"chat-ui: {error}", file=sys.stderr)
        sys.exit(2)
    to_stdout()
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        timeout_graceful_shutdown=DRAIN,
        timeout_keep_alive=KEEP_ALIVE,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    # uvicorn drains, then raises the signal again for whoever handled it before: here that is a clean exit
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    Server(config, app).run()


if __name__ == "__main__":
    main()
