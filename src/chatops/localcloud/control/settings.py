"""The local cloud's own path beside Azure's: the conditions of this world, read and replaced by whoever signs in."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import invalid_body
from ..store import Body
from .kind import Call, Endpoint

PATH = "/_local/settings"


async def _get(call: Call, found: Mapping[str, str]) -> Body:
    return call.world.conditions.shown()


async def _put(call: Call, found: Mapping[str, str]) -> Body:
    try:
        return call.world.conditions.set(call.body)
    except ValueError as failure:
        raise invalid_body(str(failure)) from failure


ENDPOINTS = (Endpoint("GET", PATH, _get, action=""), Endpoint("PUT", PATH, _put, action=""))
