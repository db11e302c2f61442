"""The directory of one world, as Microsoft Graph shows it: the operator, and every managed identity.

The operator is one principal with two names: an e-mail (a user look-up finds it) and the client id that signs in for
it (a service principal look-up finds it), so that a role given to either is held by whoever signs in.
https://learn.microsoft.com/graph/api/user-list and https://learn.microsoft.com/graph/api/directoryobject-getbyids
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .errors import plain
from .identity import MANAGEMENT, bearer
from .resource_types import IDENTITY
from .store import Body
from .world import World

GRAPH = "https://graph.microsoft.com"
DOMAIN = "chatops.example"
USER, PRINCIPAL = "#microsoft.graph.user", "#microsoft.graph.servicePrincipal"
_CLAUSE = re.compile(r"(?:(\w+)\s+eq|(\w+)/any\(\w+:\w+\s+eq|startswith\((\w+),)\s*'([^']*)'\)?", re.IGNORECASE)


def email() -> str:
    """The operator's user principal name."""
    return f"operator@{DOMAIN}"


def users(world: World) -> list[Body]:
    """Everybody with an e-mail: the operator."""
    person = {"id": world.settings.operator, "displayName": "Operator", "userPrincipalName": email(), "mail": email()}
    return [{"@odata.type": USER, **person}]


def service_principals(world: World) -> list[Body]:
    """The operator's application and the managed identities, user-assigned and system-assigned."""
    kept = world.settings
    return [_principal(kept.operator, kept.client_id, "chatops operator", "Application"), *_identities(world)]


def _identities(world: World) -> Iterator[Body]:
    for record in world.store.records():
        own = record.body.get("identity") or {}
        if record.type == IDENTITY:
            yield _principal(
                record.properties["principalId"], record.properties["clientId"], record.name, "ManagedIdentity"
            )
        elif "principalId" in own:
            yield _principal(own["principalId"], own["principalId"], record.name, "ManagedIdentity")


def _principal(oid: str, appid: str, name: str, kind: str) -> Body:
    names = {"displayName": name, "appDisplayName": name, "servicePrincipalNames": [appid, oid]}
    return {"@odata.type": PRINCIPAL, "id": oid, "appId": appid, **names, "servicePrincipalType": kind}


def matches(entry: Body, text: str) -> bool:
    """Whether an entry fits an OData filter of `eq`, `any` and `startswith` joined by `and` and `or`."""
    return any(
        all(_fits(entry, part) for part in re.split(r"\s+and\s+", option)) for option in re.split(r"\s+or\s+", text)
    )


def _fits(entry: Body, part: str) -> bool:
    found = _CLAUSE.fullmatch(part.strip())
    if found is None:
        return False
    equal, anywhere, begins, value = found.groups()
    wanted, actual = value.lower(), entry.get(equal or anywhere or begins)
    if anywhere:
        return wanted in [str(one).lower() for one in actual or []]
    return str(actual).lower().startswith(wanted) if begins else str(actual).lower() == wanted


class Graph:
    """The few calls of Microsoft Graph that look principals up."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/v1.0/me", self.me),
            Route("/v1.0/users", self.list_users),
            Route("/v1.0/users/{id}", self.list_users),
            Route("/v1.0/servicePrincipals", self.list_principals),
            Route("/v1.0/servicePrincipals/{id}", self.list_principals),
            Route("/v1.0/directoryObjects/getByIds", self.by_ids, methods=["POST"]),
        ]

    async def me(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse(users(self._world)[0])

    async def list_users(self, request: Request) -> Response:
        return self._refusal(request) or _answer(request, users(self._world))

    async def list_principals(self, request: Request) -> Response:
        return self._refusal(request) or _answer(request, service_principals(self._world))

    async def by_ids(self, request: Request) -> Response:
        """Those of the ids that the directory knows; unknown ones are left out, as Graph does."""
        if refusal := self._refusal(request):
            return refusal
        try:
            wanted = {str(id).lower() for id in json.loads(await request.body())["ids"]}
        except (ValueError, KeyError, TypeError):
            return plain(400, "Request_BadRequest", "The body must be an object with a list 'ids'.")
        everybody = {entry["id"].lower(): entry for entry in (*service_principals(self._world), *users(self._world))}
        return JSONResponse({"value": [entry for id, entry in everybody.items() if id in wanted]})

    def _refusal(self, request: Request) -> Response | None:
        world = self._world
        if world.tokens.verify(bearer(request.headers), (GRAPH, world.origin, *MANAGEMENT)):
            return None
        return plain(401, "InvalidAuthenticationToken", "Access token is empty or invalid.")


def _answer(request: Request, entries: list[Body]) -> Response:
    id = request.path_params.get("id")
    if id is None:
        text = request.query_params.get("$filter", "")
        return JSONResponse({"value": [entry for entry in entries if not text or matches(entry, text)]})
    found = next((entry for entry in entries if id.lower() in (entry["id"], entry.get("userPrincipalName"))), None)
    if found is None:
        text = f"Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        return plain(404, "Request_ResourceNotFound", text)
    return JSONResponse(found)
