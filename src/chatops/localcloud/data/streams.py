"""Log streams of replicas, as Azure gives them, and what the local cloud alone can tell of its running apps.

A stream's address is in a replica's `logStreamEndpoint`; its bearer token comes from the app's `getAuthToken`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..bodies import number
from ..errors import plain
from ..identity import MANAGEMENT, bearer
from ..resource_types import APP
from ..store import Body, Record
from ..world import World

CONTAINER = (
    "/subscriptions/{subscription}/resourceGroups/{group}/containerApps/{app}/revisions/{revision}/replicas/{replica}"
    "/containers/{container}"
)
MOST_LINES = 300


def app_of(world: World, asked: HTTPConnection) -> Record | None:
    """The app in a path below `CONTAINER`, for whoever shows a token of its `getAuthToken`; None for anybody else."""
    named = asked.path_params
    group = f"/subscriptions/{named['subscription']}/resourceGroups/{named['group']}"
    app = world.store.find(f"{group}/providers/{APP}/{named['app']}")
    return app if app and world.tokens.verify(bearer(asked.headers), app.key) else None


def stream_routes(world: World) -> list[Route]:
    """`GET .../logstream?follow=true&tailLines=20` (`output=json` for objects) and `GET /_local/apps`."""

    async def stream(request: Request) -> Response:
        if (app := app_of(world, request)) is None:
            return plain(401, "Unauthorized", "A token of this app's getAuthToken is needed.")
        query = request.query_params
        tail = min(number(query.get("tailLines", ""), 20), MOST_LINES)
        follow = query.get("follow", "true").lower() == "true"
        lines = _until(world.closing, world.runtime.logs(app.key, request.path_params["replica"], tail, follow))
        if query.get("output") == "json":
            lines = _as_json(lines)
        return StreamingResponse(lines, media_type="text/plain; charset=utf-8")

    async def apps(request: Request) -> Response:
        if not world.tokens.verify(bearer(request.headers), (*MANAGEMENT, world.origin)):
            return plain(401, "AuthenticationFailed", "A management token is needed.")
        return JSONResponse({"apps": [_status(world, record) for record in world.store.records(type=APP)]})

    return [Route(f"{CONTAINER}/logstream", stream), Route("/_local/apps", apps)]


async def _as_json(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for line in lines:
        moment, _, text = line.decode(errors="replace").rstrip("\n").partition(" ")
        yield json.dumps({"TimeStamp": moment, "Log": text}).encode() + b"\n"


async def _until(closing: asyncio.Event, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines, cut off when the daemon closes: a stream that is followed has no end of its own."""
    waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(closing.wait())]
    try:
        while True:
            coming = asyncio.ensure_future(anext(lines, None))
            waiting[1:] = [coming]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done() or (line := coming.result()) is None:
                return
            yield line
    finally:  # also where the reader has gone
        for future in waiting:
            future.cancel()


def _status(world: World, app: Record) -> Body:
    """Requests in flight and replicas (with process ids) of one app, and where it answers on this machine."""
    status = world.runtime.app_status(app.key)
    ingress = app.properties["configuration"].get("ingress") or {}
    return {
        "id": app.id,
        "name": app.name,
        "fqdn": ingress.get("fqdn"),
        "url": world.runtime.ingress_url if ingress.get("external") else None,
        "in_flight": status.in_flight if status else 0,
        "latest_ready_revision": status.latest_ready_revision if status else "",
        "replicas": [asdict(replica) for replica in status.replicas] if status else [],
    }
