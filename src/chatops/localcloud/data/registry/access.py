"""Who may ask the registries what: ACR's token exchange, and tokens that name repositories and actions.

https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md and https://distribution.github.io/distribution/spec/auth/token/.
A caller trades its Azure token for the registry's refresh token (/oauth2/exchange), that for an access token
(/oauth2/token), and sends the latter; `docker login` sends a refresh token, or the admin user's password, as basic
credentials to /oauth2/token. A token is good where it was issued, and roles are looked at again with every request.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ...identity import MANAGEMENT, REGISTRY, bearer, read_form
from ..images import ImageStore
from ..reference import DOMAIN
from .address import Address
from .call import Call, Collect, RegistryError

REFRESH_USER = "00000000-0000-0000-0000-000000000000"
CATALOG = "registry:catalog:*"
LIST = "metadata_read"
ACTIONS = {
    "pull": "pull/read",
    "push": "push/write",
    "delete": "artifacts/delete",
    LIST: "pull/read",
}
"""What tokens call an action, and roles under Microsoft.ContainerRegistry/registries."""


class Principal(Protocol):
    """What the registry needs to know of a caller; `scope` is what its token is for."""

    @property
    def oid(self) -> str: ...

    @property
    def scope(self) -> str: ...


class Tokens(Protocol):
    """The part of `identity.Tokens` that is used here."""

    def issue(self, oid: str, audience: str, *, scope: str = "") -> str: ...

    def verify(self, token: str, audience: str | Sequence[str]) -> Principal | None: ...


class Control(Protocol):
    """What the management plane knows of registries; `server` is a login server, `audience` its own tokens'."""

    @property
    def audience(self) -> str: ...

    def servers(self) -> list[str]: ...

    def allows(self, oid: str, action: str, server: str) -> bool:
        """Whether the principal's roles permit the management action there."""

    def admin(self, user: str, password: str, server: str) -> str | None:
        """Whom a user name and password stand for, None when they are wrong."""


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Door:
    """Authentication and authorisation in front of the handlers."""

    images: ImageStore
    tokens: Tokens
    control: Control
    collect: Collect

    def guard(self, action: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The handler for callers who may take the action on the repository in the path."""

        async def answer(request: Request) -> Response:
            try:
                return await handler(self._call(request, action))
            except RegistryError as error:
                return error.response()

        return answer

    def _call(self, request: Request, action: str) -> Call:
        address = Address.of(request)
        caller = self.tokens.verify(bearer(request.headers), _access(address))
        spelled = request.path_params.get("name")
        wanted = _scope(spelled, action)
        if caller is None:
            raise _unauthorized(address, wanted)
        server = address.server or (None if spelled is None else address.split(spelled)[0])
        if server is not None and not self._allows(caller.oid, action, server):
            raise RegistryError(403, "DENIED", "requested access to the resource is denied")
        if not _covers(caller.scope, wanted):
            raise _unauthorized(address, wanted, "insufficient_scope")
        return Call(request, self.images, address, partial(self._may, caller, address), self.collect)

    def _may(self, caller: Principal, address: Address, action: str, spelled: str) -> bool:
        listed = action == LIST and _covers(caller.scope, CATALOG)
        named = listed or _covers(caller.scope, _scope(spelled, action))
        return named and self._allows(caller.oid, action, address.split(spelled)[0])

    def _allows(self, oid: str, action: str, server: str) -> bool:
        return self.control.allows(oid, f"Microsoft.ContainerRegistry/registries/{ACTIONS[action]}", server)

    def _granted(self, oid: str, address: Address, asked: Iterable[str]) -> str:
        """Of the scopes that are asked for, what the principal's roles permit now."""
        granted = []
        for scope in asked:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            server = address.split(name)[0]
            wanted = ACTIONS if actions == "*" else [action for action in actions.split(",") if action in ACTIONS]
            allowed = [action for action in wanted if self._allows(oid, action, server)]
            if scope == CATALOG:
                granted.append(scope)
            elif kind == "repository" and allowed:
                granted.append(f"{kind}:{name}:{','.join(allowed)}")
        return " ".join(granted)

    async def exchange(self, request: Request) -> Response:
        """An Azure token for the registry's refresh token."""
        form = await read_form(request)
        caller = self.tokens.verify(form.get("access_token", ""), [*MANAGEMENT, REGISTRY, self.control.audience])
        if form.get("grant_type") != "access_token" or caller is None:
            return RegistryError(401, "UNAUTHORIZED", "the Azure access token is missing or not valid").response()
        return JSONResponse({"refresh_token": self.tokens.issue(caller.oid, _refresh(Address.of(request).service))})

    async def token(self, request: Request) -> Response:
        """A refresh token, or a user name and password, for an access token."""
        form = await read_form(request)
        address, kind = Address.of(request), form.get("grant_type")
        oid = None
        if kind == "refresh_token":
            oid = self._refreshed(address, form.get("refresh_token", ""))
        elif kind == "password":
            oid = self._known(address, form.get("username", ""), form.get("password", ""))
        return self._issue(address, oid, form.get("scope", "").split(), offline=False)

    async def docker_token(self, request: Request) -> Response:
        """An access token for basic credentials: what `docker login`, `docker push` and skopeo send."""
        address, query = Address.of(request), request.query_params
        scopes = [scope for text in query.getlist("scope") for scope in text.split()]
        offline = query.get("offline_token") == "true"
        return self._issue(address, self._known(address, *_basic(request)), scopes, offline=offline)

    def _issue(self, address: Address, oid: str | None, scopes: Iterable[str], *, offline: bool) -> Response:
        if oid is None:
            return RegistryError(401, "UNAUTHORIZED", "authentication required: the credential is not valid").response()
        answer = {"access_token": self.tokens.issue(oid, _access(address), scope=self._granted(oid, address, scopes))}
        if offline:
            answer["refresh_token"] = self.tokens.issue(oid, _refresh(address.service))
        return JSONResponse(answer)

    def _known(self, address: Address, user: str, password: str) -> str | None:
        if user == REFRESH_USER:
            return self._refreshed(address, password)
        # the admin user of a registry is called as the registry is
        return self.control.admin(user, password, address.server or f"{user.lower()}.{DOMAIN}")

    def _refreshed(self, address: Address, token: str) -> str | None:
        """Loopback is where all registries are: a refresh token of any of them is good there."""
        services = [address.service] if address.server else [address.service, *self.control.servers()]
        caller = self.tokens.verify(token, [_refresh(service) for service in services])
        return caller.oid if caller else None


def _access(address: Address) -> str:
    return f"https://{address.service}/access"


def _refresh(service: str) -> str:
    return f"https://{service}/refresh"


def _scope(spelled: str | None, action: str) -> str:
    """What a token has to be for; any will do to see that a registry is there."""
    if spelled is None:
        return CATALOG if action == LIST else ""
    return f"repository:{spelled}:{action}"


def _covers(granted: str, wanted: str) -> bool:
    place, _, action = wanted.rpartition(":")
    scopes = [scope.rpartition(":") for scope in granted.split()]
    return not wanted or any(place == name and action in actions.split(",") for name, _, actions in scopes)


def _basic(request: Request) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (user, password) if scheme.lower() == "basic" else ("", "")


def _unauthorized(address: Address, scope: str, error: str = "") -> RegistryError:
    challenge = f'Bearer realm="https://{address.host}/oauth2/token",service="{address.host}"'
    challenge += "".join(f',{name}="{value}"' for name, value in (("scope", scope), ("error", error)) if value)
    return RegistryError(401, "UNAUTHORIZED", "authentication required", {"WWW-Authenticate": challenge})
