"""The registries' data plane: who may ask, and what is in it. OCI's paths for manifests, Azure's for everything else.

https://learn.microsoft.com/rest/api/containerregistry and https://github.com/opencontainers/distribution-spec. A caller
trades its Azure token for the registry's refresh token (/oauth2/exchange), that for an access token (/oauth2/token),
and sends the latter; each request is checked against the caller's roles. Images come from the build service; pushing
and pulling layers is not offered yet, and is answered so.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..identity import MANAGEMENT, REGISTRY
from .images import ImageStore, Reference, Repository

REFRESH_USER = "00000000-0000-0000-0000-000000000000"
_UNLOCKED = {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}


class Principal(Protocol):
    """What the registry needs to know of a caller."""

    @property
    def oid(self) -> str: ...


class Tokens(Protocol):
    """The part of `identity.Tokens` that is used here."""

    def issue(self, oid: str, audience: str) -> str: ...

    def verify(self, token: str, audience: str | Sequence[str]) -> Principal | None: ...


Knows = Callable[[str, str, str], str | None]
"""(user name, password, login server) -> the principal they stand for, None when they are wrong."""

Allows = Callable[[str, str, str], bool]
"""(principal's object id, management action, login server) -> whether the principal's roles permit it there."""


class RegistryError(Exception):
    """An answer in OCI's shape: {"errors": [{"code", "message", "detail"}]}."""

    def __init__(self, status: int, code: str, message: str, challenge: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.challenge = challenge

    def response(self) -> Response:
        headers = {"WWW-Authenticate": self.challenge} if self.challenge else {}
        body = {"errors": [{"code": self.code, "message": str(self), "detail": None}]}
        return JSONResponse(body, self.status, headers | {"Docker-Distribution-Api-Version": "registry/2.0"})


@dataclass(frozen=True)
class Call:
    """One authorised request to one registry."""

    request: Request
    images: ImageStore
    server: str

    @property
    def name(self) -> str:
        return str(self.request.path_params["name"])

    @property
    def reference(self) -> Reference:
        return Reference(self.server, self.name, str(self.request.path_params["reference"]))

    def repository(self) -> Repository:
        """Raises RegistryError when there is none of that name."""
        found = self.images.repositories(self.server).get(self.name)
        if found is None:
            raise RegistryError(404, "NAME_UNKNOWN", f"repository name {self.name!r} is not known to the registry")
        return found

    def digest(self) -> str:
        """The digest that the request's reference means. Raises RegistryError."""
        digest = self.images.resolve(self.reference)
        if digest is None:
            raise RegistryError(404, "MANIFEST_UNKNOWN", f"manifest tagged by {self.reference.version!r} is not found")
        return digest

    def page(self, key: str, entries: dict[str, Any], head: dict[str, Any]) -> Response:
        """The entries after `last`, at most `n` of them; a Link header leads on."""
        query = self.request.query_params
        names = [name for name in sorted(entries) if name > query.get("last", "")]
        size = int(query.get("n") or 100)
        headers = {}
        if len(names) > size > 0:
            names = names[:size]
            headers["Link"] = f'<{self.request.url.path}?last={names[-1]}&n={size}>; rel="next"'
        return JSONResponse(head | {key: [entries[name] for name in names]}, headers=headers)


async def _api_version(call: Call) -> Response:
    return JSONResponse({})


async def _catalog(call: Call) -> Response:
    names = {name: name for name in call.images.repositories(call.server)}
    return call.page("repositories", names, {})


async def _manifest(call: Call) -> Response:
    digest = call.digest()
    content = call.images.content(digest) or b""
    media_type = (call.images.manifest(digest) or {}).get("mediaType", "application/octet-stream")
    headers = {"Docker-Content-Digest": digest, "Content-Type": media_type, "ETag": f'"{digest}"'}
    return Response(content, headers=headers)


async def _delete_manifest(call: Call) -> Response:
    call.digest()
    if not call.images.delete_manifest(call.reference):
        raise RegistryError(405, "UNSUPPORTED", "a manifest is deleted by its digest")
    return Response(status_code=202)


async def _repository(call: Call) -> Response:
    found = call.repository()
    updated = max([found.created, *found.manifests.values(), *(times[1] for times in found.tag_times.values())])
    body = {"createdTime": found.created, "lastUpdateTime": updated, "changeableAttributes": _UNLOCKED}
    counts = {"manifestCount": len(found.manifests), "tagCount": len(found.tags)}
    return JSONResponse(_head(call) | body | counts)


async def _delete_repository(call: Call) -> Response:
    gone = call.repository()
    call.images.delete_repository(call.server, call.name)
    return JSONResponse({"manifestsDeleted": list(gone.manifests), "tagsDeleted": list(gone.tags)}, 202)


async def _tags(call: Call) -> Response:
    repository = call.repository()
    wanted = call.request.query_params.get("digest")
    tags = {tag: _tag(repository, tag) for tag, digest in repository.tags.items() if wanted in (None, digest)}
    return call.page("tags", tags, _head(call))


async def _tag_properties(call: Call) -> Response:
    repository = call.repository()
    return JSONResponse(_head(call) | {"tag": _tag(repository, _known_tag(call, repository))})


async def _delete_tag(call: Call) -> Response:
    _known_tag(call, call.repository())
    call.images.delete_tag(call.reference)
    return Response(status_code=202)


async def _manifests(call: Call) -> Response:
    repository = call.repository()
    entries = {digest: _attributes(call, repository, digest) for digest in repository.manifests}
    return call.page("manifests", entries, _head(call))


async def _manifest_properties(call: Call) -> Response:
    return JSONResponse(_head(call) | {"manifest": _attributes(call, call.repository(), call.digest())})


async def _not_yet(call: Call) -> Response:
    raise RegistryError(405, "UNSUPPORTED", "this registry takes images from its build service only, for now")


def _head(call: Call) -> dict[str, Any]:
    return {"registry": call.server, "imageName": call.name}


def _known_tag(call: Call, repository: Repository) -> str:
    tag = call.reference.version
    if tag not in repository.tags:
        raise RegistryError(404, "TAG_UNKNOWN", f"the specified tag {tag!r} does not exist")
    return tag


def _tag(repository: Repository, tag: str) -> dict[str, Any]:
    created, updated = repository.tag_times[tag]
    times = {"createdTime": created, "lastUpdateTime": updated}
    return {"name": tag, "digest": repository.tags[tag], **times, "signed": False, "changeableAttributes": _UNLOCKED}


def _attributes(call: Call, repository: Repository, digest: str) -> dict[str, Any]:
    manifest = call.images.manifest(digest) or {}
    came = repository.manifests[digest]
    return {
        "digest": digest,
        "imageSize": manifest.get("files", {}).get("size", 0),
        "createdTime": came,
        "lastUpdateTime": came,
        "architecture": "amd64",
        "os": "linux",
        "mediaType": manifest.get("mediaType"),
        "tags": [tag for tag, pointed in repository.tags.items() if pointed == digest],
        "changeableAttributes": _UNLOCKED,
    }


Handler = Callable[[Call], Awaitable[Response]]
_READ, _LIST, _DELETE, _PUSH = "pull", "metadata_read", "delete", "push"
ACTIONS = {_READ: "pull/read", _LIST: "pull/read", _DELETE: "artifacts/delete", _PUSH: "push/write"}

ROUTES: list[tuple[str, str, str, Handler]] = [
    ("/v2/", "GET", _READ, _api_version),
    ("/v2/_catalog", "GET", _LIST, _catalog),
    ("/v2/{name:path}/manifests/{reference}", "GET", _READ, _manifest),
    ("/v2/{name:path}/manifests/{reference}", "DELETE", _DELETE, _delete_manifest),
    ("/v2/{name:path}/manifests/{reference}", "PUT", _PUSH, _not_yet),
    ("/v2/{name:path}/blobs/uploads/", "POST", _PUSH, _not_yet),
    ("/acr/v1/_catalog", "GET", _LIST, _catalog),
    ("/acr/v1/{name:path}/_tags", "GET", _LIST, _tags),
    ("/acr/v1/{name:path}/_tags/{reference}", "GET", _LIST, _tag_properties),
    ("/acr/v1/{name:path}/_tags/{reference}", "DELETE", _DELETE, _delete_tag),
    ("/acr/v1/{name:path}/_manifests", "GET", _LIST, _manifests),
    ("/acr/v1/{name:path}/_manifests/{reference}", "GET", _LIST, _manifest_properties),
    ("/acr/v1/{name:path}", "GET", _LIST, _repository),
    ("/acr/v1/{name:path}", "DELETE", _DELETE, _delete_repository),
]


def registry_app(images: ImageStore, tokens: Tokens, allows: Allows, knows: Knows) -> Starlette:
    """The data plane of every registry; which one is in the Host header."""
    door = Door(images, tokens, allows, knows)
    routes = [Route(path, door.guard(scope, handler), methods=[method]) for path, method, scope, handler in ROUTES]
    sign_in = [
        Route("/oauth2/exchange", door.exchange, methods=["POST"]),
        Route("/oauth2/token", door.token, methods=["POST"]),
        Route("/oauth2/token", door.docker_token),
    ]
    return Starlette(routes=[*sign_in, *routes])


@dataclass(frozen=True)
class Door:
    """Authentication and authorisation in front of the handlers."""

    images: ImageStore
    tokens: Tokens
    allows: Allows
    knows: Knows

    def guard(self, scope: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                self._authorise(request, scope)
                return await handler(Call(request, self.images, _server(request)))
            except RegistryError as error:
                return error.response()

        return answer

    def _authorise(self, request: Request, scope: str) -> None:
        server = _server(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        caller = self.tokens.verify(token, f"https://{server}/access") if scheme.lower() == "bearer" else None
        if caller is None:
            raise RegistryError(401, "UNAUTHORIZED", "authentication required", _challenge(request, scope))
        if not self.allows(caller.oid, f"Microsoft.ContainerRegistry/registries/{ACTIONS[scope]}", server):
            raise RegistryError(403, "DENIED", "requested access to the resource is denied")

    async def exchange(self, request: Request) -> Response:
        """An Azure token for the registry's refresh token."""
        form = dict(parse_qsl((await request.body()).decode()))
        caller = self.tokens.verify(form.get("access_token", ""), [*MANAGEMENT, REGISTRY])
        if form.get("grant_type") != "access_token" or caller is None:
            return RegistryError(401, "UNAUTHORIZED", "the Azure access token is missing or not valid").response()
        return JSONResponse({"refresh_token": self.tokens.issue(caller.oid, f"https://{_server(request)}/refresh")})

    async def token(self, request: Request) -> Response:
        """A refresh token for an access token."""
        form = dict(parse_qsl((await request.body()).decode()))
        caller = self.tokens.verify(form.get("refresh_token", ""), f"https://{_server(request)}/refresh")
        if form.get("grant_type") != "refresh_token" or caller is None:
            return RegistryError(401, "UNAUTHORIZED", "the refresh token is missing or not valid").response()
        return JSONResponse({"access_token": self.tokens.issue(caller.oid, f"https://{_server(request)}/access")})

    async def docker_token(self, request: Request) -> Response:
        """An access token for what `docker login` sends: a refresh token as password, or the admin user's."""
        server, (user, password) = _server(request), _basic(request)
        caller = self.tokens.verify(password, f"https://{server}/refresh") if user == REFRESH_USER else None
        oid = caller.oid if caller else self.knows(user, password, server)
        if oid is None:
            return RegistryError(401, "UNAUTHORIZED", "authentication required").response()
        answer = {"access_token": self.tokens.issue(oid, f"https://{server}/access")}
        if request.query_params.get("offline_token") == "true":
            answer["refresh_token"] = self.tokens.issue(oid, f"https://{server}/refresh")
        return JSONResponse(answer)


def _basic(request: Request) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (user, password) if scheme.lower() == "basic" else ("", "")


def _server(request: Request) -> str:
    return request.headers.get("host", "").partition(":")[0].lower()


def _challenge(request: Request, scope: str) -> str:
    name = request.path_params.get("name")
    wanted = f"repository:{name}:{scope}" if name else "registry:catalog:*"
    server = _server(request)
    return f'Bearer realm="https://{server}/oauth2/token",service="{server}",scope="{wanted}"'
