"""Key Vault's data plane for secrets: the challenge, RBAC or access policies, versions, soft delete.

https://learn.microsoft.com/rest/api/keyvault/secrets/operation-groups
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import clock
from ..bodies import number
from ..control.roles import authorize
from ..control.vaults import DOMAIN, by_name
from ..identity import VAULT, Claims
from ..store import Body, Record
from ..world import World
from .secrets import RECOVERY, Shelf, version_of

PAGE = 25
NAME = re.compile(r"[0-9A-Za-z-]{1,127}")
ACTION = "Microsoft.KeyVault/vaults/secrets/"
# what the access policies of a vault without RBAC call each data action
POLICIES = {
    "getSecret/action": "get",
    "setSecret/action": "set",
    "readMetadata/action": "list",
    "update/action": "set",
    "delete": "delete",
    "recover/action": "recover",
    "purge/action": "purge",
}


class VaultError(Exception):
    """An error of the data plane: status, code, sentence, and the inner code that tells why."""

    def __init__(self, status: int, code: str, message: str, inner: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.inner = status, code, inner

    def response(self, challenge: str) -> Response:
        """As an answer; a 401 carries the challenge."""
        error: Body = {"code": self.code, "message": str(self)}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        headers = {"WWW-Authenticate": challenge} if self.status == 401 else {}
        return JSONResponse({"error": error}, self.status, headers)


class Session:
    """One request: whose vault, which secret, and whether the caller may."""

    def __init__(self, world: World, request: Request) -> None:
        self.world = world
        self.request = request
        self.claims = self._claims()
        self.vault = self._vault()
        self.shelf = Shelf(world.store, self.vault.name)
        self.name = request.path_params.get("name", "")
        if "name" in request.path_params and not NAME.fullmatch(self.name):
            raise VaultError(400, "BadParameter", f"The request URI contains an invalid name: {self.name}")

    def _claims(self) -> Claims:
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise VaultError(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
        claims = self.world.tokens.verify(token, VAULT)
        if claims is None:
            text = "AKV10022: Invalid audience or the token has expired. Expected https://vault.azure.net."
            raise VaultError(401, "Unauthorized", text)
        return claims

    def _vault(self) -> Record:
        host = self.request.headers["host"].split(":")[0].lower()
        vault = by_name(self.world, host.removesuffix(f".{DOMAIN}"))
        if vault is None:
            raise VaultError(404, "VaultNotFound", f"There is no vault at {host}.")
        return vault

    def allow(self, action: str) -> None:
        """Refuse what neither a role nor an access policy of the vault grants."""
        if self.vault.properties["enableRbacAuthorization"]:
            scope = f"{self.vault.id}/secrets/{self.name}" if self.name else self.vault.id
            if not authorize(self.world, self.claims.oid, ACTION + action, scope, data=True):
                raise self._forbidden(action, scope)
        elif not self._policy(POLICIES[action]):
            caller = f"appid={self.claims.appid};oid={self.claims.oid}"
            text = f"The user, group or application '{caller}' does not have secrets {POLICIES[action]} permission."
            raise VaultError(403, "Forbidden", text, "AccessDenied")

    def _policy(self, permission: str) -> bool:
        for policy in self.vault.properties["accessPolicies"]:
            granted = {str(name).lower() for name in policy.get("permissions", {}).get("secrets", [])}
            if policy.get("objectId", "").lower() == self.claims.oid and granted & {permission, "all"}:
                return True
        return False

    def _forbidden(self, action: str, scope: str) -> VaultError:
        lines = (
            "Caller is not authorized to perform action on resource.",
            "If role assignments, deny assignments or role definitions were changed recently, please observe "
            "propagation time.",
            f"Caller: appid={self.claims.appid};oid={self.claims.oid};iss=https://sts.windows.net/{self.claims.tid}/",
            f"Action: '{ACTION}{action}'",
            f"Resource: '{scope.lower()}'",
            "Assignment: (not found)",
            f"Vault: {self.vault.name};location={self.vault.body['location']}",
        )
        return VaultError(403, "Forbidden", "\r\n".join(lines), "ForbiddenByRbac")

    def live(self) -> Body:
        """The secret, unless it is absent or deleted."""
        secret = self.shelf.find(self.name)
        if secret is None or secret["deleted"]:
            raise _not_found(self.name)
        return secret

    def gone(self) -> Body:
        """The deleted secret that can still be recovered."""
        secret = self.shelf.find(self.name)
        if secret is None or not secret["deleted"]:
            text = f"Deleted secret not found: {self.name}"
            raise VaultError(404, "SecretNotFound", text)
        return secret

    async def json(self) -> Body:
        """The request's object."""
        try:
            found: Any = json.loads(await self.request.body() or b"{}")
        except ValueError as failure:
            raise VaultError(400, "BadParameter", f"The request body is not JSON: {failure}") from failure
        if not isinstance(found, dict):
            raise VaultError(400, "BadParameter", "The request body must be an object.")
        return found

    @property
    def days(self) -> int:
        return int(self.vault.properties["softDeleteRetentionInDays"])

    def address(self, kind: str, name: str) -> str:
        return f"https://{self.vault.name.lower()}.{DOMAIN}/{kind}/{name}"

    def item(self, secret: Body, version: Body, *, value: bool, versioned: bool = True) -> Body:
        """A version as the data plane shows it; lists leave the value out."""
        address = self.address("secrets", secret["name"])
        level = {"recoveryLevel": RECOVERY, "recoverableDays": self.days}
        shown: Body = {"id": f"{address}/{version['version']}" if versioned else address}
        shown["attributes"] = {**version["attributes"], **level}
        for member in ("contentType", "tags", *(("value",) if value else ())):
            if member in version:
                shown[member] = version[member]
        return shown

    def deleted_item(self, secret: Body) -> Body:
        version = version_of(secret, None) or {}
        address = self.address("deletedsecrets", secret["name"])
        return {**self.item(secret, version, value=False), "recoveryId": address, **secret["deleted"]}


def _not_found(name: str) -> VaultError:
    text = (
        f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted this secret you may "
        "be able to recover it using the correct recovery command. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125182"
    )
    return VaultError(404, "SecretNotFound", text)


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
        raise _not_found(f"{session.name}/{asked}")
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
    secret, wanted = session.live(), await session.json()
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
