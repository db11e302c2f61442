"""The daemon's web application: one TLS port for management, sign-in and data planes, told apart by host name."""

from __future__ import annotations

import uuid
from email.utils import format_datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import clock
from .arm import Arm
from .billing.retail import retail_routes
from .control.table import ENDPOINTS
from .data.build import UPLOADS
from .data.build_routes import builds_routes
from .data.consoles import console_routes
from .data.streams import stream_routes
from .directory import Graph
from .errors import plain
from .identity import MANAGEMENT, SignIn
from .journal import Calls, Journal
from .limited import Limited
from .trouble.front import Trouble
from .trouble.routes import trouble_routes
from .world import World

METHODS = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"]


class Front:
    """Sends each request to its plane, and puts Azure's request ids on every answer.

    A plane is known by the end of its host names, or by the beginning of its paths at the management address.
    """

    def __init__(self, management: ASGIApp, planes: dict[str, ASGIApp]) -> None:
        self._management = management
        self._planes = planes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._management(scope, receive, send)
            return
        sent = dict(scope["headers"])
        host = sent.get(b"host", b"").decode("latin-1").split(":")[0].lower()
        plane = self._plane(host, scope["path"])
        marks = _marks(sent)

        async def mark(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *marks]
            await send(message)

        await plane(scope, receive, mark)

    def _plane(self, host: str, path: str) -> ASGIApp:
        for mark, app in self._planes.items():
            if path.startswith(mark) if mark.startswith("/") else host.endswith(mark):
                return app
        return self._management


def _marks(sent: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    request = str(uuid.uuid4()).encode()
    marks = [
        (b"x-ms-request-id", request),
        (b"x-ms-correlation-request-id", sent.get(b"x-ms-correlation-request-id", request)),
        (b"cache-control", b"no-cache"),
        (b"date", format_datetime(clock.now(), usegmt=True).encode()),
    ]
    if client := sent.get(b"x-ms-client-request-id"):
        marks.append((b"x-ms-client-request-id", client))
    return marks


def management_app(world: World, sign_in: SignIn, calls: Calls) -> ASGIApp:
    """The management API, Graph and the sign-in endpoints; what is asked of the last is not journalled."""
    arm = Arm(world, ENDPOINTS)

    async def metadata(request: Request) -> Response:
        return JSONResponse(_metadata(f"{request.url.scheme}://{request.url.netloc}", world))

    routes = [Route("/{path:path}", arm.handle, methods=METHODS)]
    inner = Starlette(routes=routes, exception_handlers={Exception: _unexpected})
    journalled = Journal(Trouble(inner, world.desk, "management"), calls, "management")
    graph = Journal(Starlette(routes=Graph(world).routes()), calls, "graph")
    beside = [
        Route("/metadata/endpoints", metadata),
        *stream_routes(world),
        *console_routes(world),
        *builds_routes(world.builds),
    ]
    beside += retail_routes()
    beside.append(Route("/v1.0/{path:path}", graph))
    beside += trouble_routes(world.desk, world.tokens, world.origin)
    outer = Starlette(routes=[*beside, *sign_in.routes()])
    outer.router.default = journalled
    return Limited(outer, free=UPLOADS)


async def _unexpected(request: Request, failure: Exception) -> Response:
    """A fault of ours, in Azure's envelope; the traceback is in the daemon's log."""
    text = "The server encountered an internal error; see the daemon's log."
    return plain(500, "InternalServerError", text)


def _metadata(origin: str, world: World) -> dict[str, object]:
    """What `az cloud register` and other clients ask first: where everything is."""
    return {
        "name": "ChatopsLocal",
        "portal": origin,
        "graphAudience": "https://graph.windows.net/",
        "graph": "https://graph.windows.net/",
        "microsoftGraphResourceId": origin,
        "resourceManager": origin,
        "authentication": {
            "loginEndpoint": f"{origin}/adfs",
            "audiences": [origin, *MANAGEMENT],
            "tenant": world.settings.tenant,
            "identityProvider": "ADFS",
        },
        "suffixes": {
            "keyVaultDns": "vault.azure.net",
            "acrLoginServer": "azurecr.io",
            "postgresqlServerEndpoint": "postgres.database.azure.com",
        },
    }
