"""`/_local/trouble` and `/_local/clock`: how trouble is ordered from outside, with a token like everything else."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import clock
from ..errors import plain
from ..identity import MANAGEMENT, Tokens, bearer
from .desk import Desk
from .rules import BadRule


def trouble_routes(desk: Desk, tokens: Tokens, origin: str) -> list[Route]:
    """GET shows what is ordered, PATCH changes or adds, DELETE takes all faults away; PUT of the clock advances it."""

    def allowed(request: Request) -> bool:
        return tokens.verify(bearer(request.headers), (*MANAGEMENT, origin)) is not None

    async def trouble(request: Request) -> Response:
        if not allowed(request):
            return plain(401, "AuthenticationFailed", "A bearer token of this cloud is needed.")
        try:
            if request.method == "PATCH":
                desk.order(await _object(request))
            elif request.method == "DELETE":
                desk.clear()
        except (BadRule, TypeError) as failure:
            return plain(400, "InvalidTrouble", str(failure))
        return JSONResponse(desk.shown())

    async def time(request: Request) -> Response:
        if not allowed(request):
            return plain(401, "AuthenticationFailed", "A bearer token of this cloud is needed.")
        try:
            desk.advance(float((await _object(request))["advance"]))
        except (BadRule, KeyError, TypeError, ValueError):
            return plain(400, "InvalidTrouble", 'Expected {"advance": seconds}.')
        return JSONResponse({"now": clock.iso(), "ahead": clock.ahead()})

    return [
        Route("/_local/trouble", trouble, methods=["GET", "PATCH", "DELETE"]),
        Route("/_local/clock", time, methods=["PUT"]),
    ]


async def _object(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.body())
    except ValueError as failure:
        raise BadRule(f"the body is no JSON: {failure}") from failure
    if not isinstance(found, dict):
        raise BadRule("the body must be a JSON object")
    return found
