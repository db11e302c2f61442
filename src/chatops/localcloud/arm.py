"""The management API's front door: who calls, which api-version, whether they may; then one handler for every type."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import errors, writes
from .bodies import camel, without_nulls
from .control import settings
from .control.kind import Call, Endpoint, Kind
from .control.providers import require_version, supported_versions
from .control.roles import authorize
from .control.styles import STYLES
from .errors import ArmError, gateway
from .identity import MANAGEMENT, Claims, bearer
from .ids import GROUP, Id, parse
from .polling import POLL_MS, Operation, headers, status_body
from .preconditions import require_scope
from .store import Body, Record
from .world import World

VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(-[A-Za-z0-9.-]+)?")
READS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


class Arm:
    """One management endpoint over one world, with the paths that are no resources in `endpoints`."""

    def __init__(self, world: World, endpoints: tuple[Endpoint, ...]) -> None:
        self._world = world
        self._endpoints = endpoints

    async def handle(self, request: Request) -> Response:
        """Answer one request; errors become Azure's envelopes."""
        try:
            response = await self._answer(request)
        except ArmError as failure:
            response = JSONResponse(failure.envelope, failure.status, failure.headers)
        if "x-ms-failure-cause" not in response.headers:
            response.headers.update(supported_versions(request.url.path))
        if request.method == "HEAD":
            response.body = b""
            response.headers["content-length"] = "0"
        return response

    async def _answer(self, request: Request) -> Response:
        path = "/" + request.url.path.strip("/")
        claims = authenticate(self._world, request)
        query = {name.lower(): value for name, value in request.query_params.items()}
        version = "" if path == settings.PATH else api_version(query)
        _own_subscription(self._world, path)
        if operation := self._world.operations.by_token(path.rsplit("/", 1)[1]):
            return self._poll(operation, path, request, version)
        id = parse(path) or Id(path, "", "", (), ())
        kind = self._world.kinds.get(id.type.lower())
        call = Call(
            world=self._world,
            method=request.method,
            id=id,
            kind=kind,
            version=version,
            query=query,
            body=camel(await read_body(request)),
            claims=claims,
            origin=f"{request.url.scheme}://{request.url.netloc}",
            headers=request.headers,
        )
        for endpoint in self._endpoints:
            if (found := endpoint.match(request.method, path)) is not None:
                allow(call, endpoint.action)
                return as_response(await endpoint.handler(call, found))
        return await self._resource(call)

    async def _resource(self, call: Call) -> Response:
        id, kind = call.id, call.kind
        if not id.namespace:
            raise gateway(404, "NotFound", f"There is nothing at '{id.text}'.")
        collection = f"{id.type}/{id.rest}".replace("//", "/") if id.rest else ""
        if collection and call.method == "GET" and (listed := self._world.kinds.get(collection.lower())):
            return self._list(call, listed)
        if kind is None or (id.rest and call.method != "POST"):
            raise self._unknown(call, collection or id.type)
        require_version(kind, call.version)
        allow(call, f"{kind.type}/{READS[call.method]}" if call.method in READS else f"{kind.type}/{id.rest}/action")
        if id.rest:
            return await self._act(call, kind)
        if call.method in ("PUT", "PATCH"):
            return await writes.write(call, kind)
        if call.method == "DELETE":
            return await writes.delete(call, kind)
        if call.method in ("GET", "HEAD"):
            return self._get(call, kind)
        raise errors.unsupported(call.method)

    def _unknown(self, call: Call, type: str) -> ArmError:
        if call.id.types[:1] == ("locations",) and "operation" in call.id.types[-1].lower():
            return ArmError(404, "OperationIdNotFound", f"The operation '{call.id.name}' was not found.")
        namespaces = {name.split("/")[0] for name in self._world.kinds}
        if call.id.namespace.lower() not in namespaces:
            return errors.unknown_namespace(call.id.namespace)
        return errors.unknown_type(call.id.namespace, type.split("/", 1)[-1], call.version)

    def _get(self, call: Call, kind: Kind) -> Response:
        body = self._found(call, kind)
        if body is None:
            raise kind.missing(call.id) if kind.missing else errors.missing(call.id, kind.type)
        if call.method == "HEAD":
            return Response(status_code=204)
        return JSONResponse(without_nulls(body))

    def _found(self, call: Call, kind: Kind) -> Body | None:
        if kind.read:
            require_scope(call)
            return kind.read(self._world, call.id)
        record = self._world.store.find(call.id.text)
        if record is None:
            require_scope(call)
            return None
        if kind.vanished and _vanished(kind, record):
            raise kind.vanished(call.id)
        return kind.show(self._world, record)

    def _list(self, call: Call, kind: Kind) -> Response:
        allow(call, f"{kind.type}/read")
        owner = call.id.text.rsplit("/", 1)[0] if call.id.names and call.id.type != GROUP else call.id.scope
        _require(self._world, owner)
        if kind.listing:
            return JSONResponse({"value": without_nulls(kind.listing(call))})
        records = self._world.store.records(owner, kind.type)
        bodies = [without_nulls(kind.show(self._world, record)) for record in records if not _vanished(kind, record)]
        return JSONResponse({"value": bodies})

    async def _act(self, call: Call, kind: Kind) -> Response:
        verb = (call.id.rest or "").lower()
        if call.method == "POST" and verb in kind.turns:
            return await writes.turn(call, kind, self._owner(call, kind), verb)
        action = {name.lower(): handler for name, handler in kind.actions.items()}.get(verb)
        if action is None or call.method != "POST":
            raise self._unknown(call, f"{kind.type}/{call.id.rest}")
        return as_response(await action(call, self._owner(call, kind)))

    def _owner(self, call: Call, kind: Kind) -> Record:
        """The resource that an action is called on."""
        owner = parse(call.id.text.rsplit("/", 1)[0]) or call.id
        record = self._world.store.find(owner.text)
        if kind.read and (body := kind.read(self._world, owner)):
            record = Record(body["id"], kind.type, body)
        if record is None:
            raise kind.missing(owner) if kind.missing else errors.missing(owner, kind.type)
        return record

    def _poll(self, operation: Operation, path: str, request: Request, version: str) -> Response:
        """Answer a poll: the status document, or at the Location URL the result once there is one."""
        style = STYLES[operation.style]
        again = {"x-ms-retry-after-ms": str(POLL_MS)}
        if style.repeats:
            again = headers(operation, style, self._world.origin, version)
        at_result = path.rsplit("/", 2)[1].lower() == style.result.rsplit("/", 2)[-2].lower() if style.result else False
        if not at_result:
            status = 200 if operation.finished else style.polled
            return JSONResponse(status_body(operation, style, path), status, {} if operation.finished else again)
        if not operation.finished:
            moved = {**again, "Location": str(request.url)}
            if style.done == "status":
                return JSONResponse(status_body(operation, style, path), 202, moved)
            return Response(status_code=202, headers=moved)
        if operation.error:
            raise ArmError(operation.failed_with, operation.error["code"], operation.error["message"])
        if style.done == "status":
            return JSONResponse(status_body(operation, style, path))
        record = self._world.store.find(operation.target)
        if style.done == "resource" and record:
            return JSONResponse(without_nulls(self._world.kinds[record.type.lower()].show(self._world, record)))
        return Response(status_code=style.done_status)


def authenticate(world: World, request: Request) -> Claims:
    """The caller's claims from the bearer token; 401 with a challenge otherwise."""
    if not (token := bearer(request.headers)):
        raise errors.unauthenticated(world.origin, world.settings.tenant)
    try:
        return world.tokens.claims(token, (*MANAGEMENT, world.origin))
    except jwt.ExpiredSignatureError:
        code = "ExpiredAuthenticationToken"
    except jwt.InvalidTokenError:
        code = "InvalidAuthenticationToken"
    raise errors.unauthenticated(world.origin, world.settings.tenant, code)


def api_version(query: Mapping[str, str]) -> str:
    """The api-version of the query: required, and a date with an optional suffix."""
    version = query.get("api-version", "")
    if not version:
        text = "The api-version query parameter (?api-version=) is required for all requests."
        raise gateway(400, "MissingApiVersionParameter", text)
    if not VERSION.fullmatch(version):
        raise gateway(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid.")
    return version


def allow(call: Call, action: str) -> None:
    """Refuse what the caller's role assignments do not cover."""
    if action and not authorize(call.world, call.claims.oid, action, call.id.text):
        raise errors.forbidden(call.claims.oid, action, call.id.text)


async def read_body(request: Request) -> Body:
    """The request's JSON object, {} when there is none."""
    raw = await request.body()
    if not raw:
        return {}
    try:
        found: Any = json.loads(raw)
    except ValueError as failure:
        raise errors.invalid_body(str(failure)) from failure
    if not isinstance(found, dict):
        raise errors.invalid_body("Expected a JSON object.")
    return found


def as_response(result: Body | Response) -> Response:
    return result if isinstance(result, Response) else JSONResponse(without_nulls(result))


def _own_subscription(world: World, path: str) -> None:
    parts = path.split("/")
    if len(parts) > 2 and parts[1].lower() == "subscriptions" and parts[2].lower() != world.settings.subscription:
        raise gateway(404, "SubscriptionNotFound", f"The subscription '{parts[2]}' could not be found.")


def _vanished(kind: Kind, record: Record) -> bool:
    """Whether readers find it gone although its deletion still runs."""
    return kind.vanished is not None and record.properties.get(str(kind.states.member)) == kind.states.deleting


def _require(world: World, owner: str) -> None:
    """A list needs what it lies in: the group or the enclosing resource."""
    id = parse(owner) if owner else None
    if id is None or not id.names or id.type.lower() == "microsoft.resources/subscriptions":
        return
    if world.store.find(owner) is None:
        kind = world.kinds.get(id.type.lower())
        raise errors.missing(id, kind.type if kind else id.type)
