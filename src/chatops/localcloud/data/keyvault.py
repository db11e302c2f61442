"""Key Vault's data plane for secrets: the challenge, RBAC or access policies, versions, soft delete.

https://learn.microsoft.com/rest/api/keyvault/secrets/operation-groups
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import clock
from ..bodies import number
from ..identity import VAULT
from ..store import Body
from ..world import World
from .secrets import version_of
from .vault_session import Session, VaultError, not_found

PAGE = 25


async def put(session: Session) -> Response:
    session.allow("setSecret/action")
    wanted = await session.json()
    value = wanted.get("value")
    if not isinstance(value, str) or len(value) > 25600:
        raise VaultError(400, "BadParameter", "Property value has invalid value")
    secret = session.shelf.find(session.name)
    if secret and secret["deleted"]:
        text = (
            f"Secret {session.name} is currently in a deleted but recoverable state, and its name cannot be reused; "
            "in this state, the secret can only be recovered or purged."
        )
        raise VaultError(409, "Conflict", text, "ObjectIsDeletedButRecoverable")
    secret, version = session.shelf.add(session.name, wanted)
    return JSONResponse(session.item(secret, version, value=True))


def _version(session: Session, secret: Body) -> Body:
    asked = session.request.path_params.get("version", "").strip("/")
    version = version_of(secret, asked)
    if version is None:
        raise not_found(f"{session.name}/{asked}")
    return version


async def get(session: Session) -> Response:
    session.allow("getSecret/action")
    secret = session.live()
    version = _version(session, secret)
    if not version["attributes"]["enabled"]:
        raise VaultError(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")
    return JSONResponse(session.item(secret, version, value=True))


async def update(session: Session) -> Response:
    session.allow("update/action")
    wanted = await session.json()
    secret = session.live()  # as it is once the whole request is here
    version = _version(session, secret)
    version["attributes"].update(wanted.get("attributes", {}), updated=clock.epoch())
    version.update({member: wanted[member] for member in ("contentType", "tags") if member in wanted})
    secret["versions"] = [version if old["version"] == version["version"] else old for old in secret["versions"]]
    session.shelf.save(secret)
    return JSONResponse(session.item(secret, version, value=False))


async def listing(session: Session) -> Response:
    session.allow("readMetadata/action")
    live = [secret for secret in session.shelf.all() if not secret["deleted"]]
    return _page(session, [session.item(one, one["versions"][-1], value=False, versioned=False) for one in live])


async def versions(session: Session) -> Response:
    session.allow("readMetadata/action")
    secret = session.live()
    return _page(session, [session.item(secret, version, value=False) for version in secret["versions"]])


def _page(session: Session, items: list[Body]) -> Response:
    query = session.request.query_params
    start, size = number(query.get("$skiptoken", ""), 0), number(query.get("maxresults", ""), PAGE)
    more = session.request.url.include_query_params(**{"$skiptoken": start + size})
    return JSONResponse(
        {"value": items[start : start + size], "nextLink": str(more) if len(items) > start + size else None}
    )


async def delete(session: Session) -> Response:
    session.allow("delete")
    secret = session.live()
    session.shelf.delete(secret, session.days)
    return JSONResponse(session.deleted_item(secret))


async def get_deleted(session: Session) -> Response:
    session.allow("readMetadata/action")
    return JSONResponse(session.deleted_item(session.gone()))


async def list_deleted(session: Session) -> Response:
    session.allow("readMetadata/action")
    return _page(session, [session.deleted_item(secret) for secret in session.shelf.all() if secret["deleted"]])


async def recover(session: Session) -> Response:
    session.allow("recover/action")
    secret = session.gone()
    secret["deleted"] = None
    session.shelf.save(secret)
    return JSONResponse(session.item(secret, secret["versions"][-1], value=False))


async def purge(session: Session) -> Response:
    session.allow("purge/action")
    session.gone()
    session.shelf.purge(session.name)
    return Response(status_code=204)


ROUTES: tuple[tuple[str, str, Callable[[Session], Awaitable[Response]]], ...] = (
    ("GET", "/secrets", listing),
    ("PUT", "/secrets/{name}", put),
    ("DELETE", "/secrets/{name}", delete),
    ("GET", "/secrets/{name}/versions", versions),
    ("GET", "/secrets/{name}", get),
    ("GET", "/secrets/{name}/{version:path}", get),
    ("PATCH", "/secrets/{name}/{version:path}", update),
    ("GET", "/deletedsecrets", list_deleted),
    ("GET", "/deletedsecrets/{name}", get_deleted),
    ("POST", "/deletedsecrets/{name}/recover", recover),
    ("DELETE", "/deletedsecrets/{name}", purge),
)


def vault_app(world: World) -> Starlette:
    """The data plane of every vault; which one is in the Host header."""
    challenge = f'Bearer authorization="{world.origin}/{world.settings.tenant}", resource="{VAULT}"'

    def serve(handler: Callable[[Session], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return await handler(Session(world, request))
            except VaultError as failure:
                return failure.response(challenge)

        return answer

    return Starlette(routes=[Route(path, serve(handler), methods=[method]) for method, path, handler in ROUTES])
