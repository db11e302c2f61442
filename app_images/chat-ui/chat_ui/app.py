"""The application: its routes, and what every request passes through."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from . import pages, posts, refusals
from .access_log import AccessLog
from .body_limit import BodyLimit
from .browser_rules import BrowserRules
from .services import services
from .sessions import Sessions
from .settings import Settings

MAX_BODY = 128 * 1024  # the longest message, percent-encoded
LEAST_FAREWELL = 1.0  # seconds


class Forever(StaticFiles):
    """Static files whose address changes with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, to be kept by the browser."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(settings: Settings) -> FastAPI:
    """The application; it starts without db-api and lm-api, and waits for them request by request.

    `app.state.stop_at` (set by who stops it, by time.monotonic) is when answers without a reader must have ended, too.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with services(settings) as shared:
            app.state.services = shared
            yield
            await shared.answers.close(max(LEAST_FAREWELL, app.state.stop_at - time.monotonic()))

    app = FastAPI(title="chat-ui", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.stop_at = 0.0
    app.include_router(pages.router)
    app.include_router(posts.router)
    app.mount("/static", Forever(directory=pages.STATIC))
    refusals.install(app)
    app.add_middleware(BodyLimit, limit=MAX_BODY)
    app.add_middleware(Sessions, key=settings.session_key)
    app.add_middleware(BrowserRules)
    app.add_middleware(AccessLog)
    return app
