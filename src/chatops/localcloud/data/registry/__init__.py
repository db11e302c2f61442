"""The registries' data plane: OCI's distribution API, Azure's own lists, and the tokens for both.

https://github.com/opencontainers/distribution-spec and https://learn.microsoft.com/rest/api/containerregistry. One
application serves all registries; which one is asked is in the Host header, or on loopback in the path.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..images import ImageStore
from . import content, properties, uploads
from .access import LIST, Control, Door, Handler, Tokens
from .call import Call, Collect, RegistryError

_PULL, _PUSH, _DELETE = "pull", "push", "delete"


async def _api_version(call: Call) -> Response:
    return call.answer({}, {})


ROUTES: list[tuple[str, str, str, Handler]] = [
    ("/v2/", "GET", _PULL, _api_version),
    ("/v2/_catalog", "GET", LIST, content.catalog),
    ("/v2/{name:path}/tags/list", "GET", _PULL, content.tags),
    ("/v2/{name:path}/manifests/{reference}", "GET", _PULL, content.manifest),
    ("/v2/{name:path}/manifests/{reference}", "PUT", _PUSH, content.put_manifest),
    ("/v2/{name:path}/manifests/{reference}", "DELETE", _DELETE, content.delete_manifest),
    ("/v2/{name:path}/blobs/uploads/", "POST", _PUSH, uploads.begin),
    ("/v2/{name:path}/blobs/uploads/{upload}", "GET", _PUSH, uploads.status),
    ("/v2/{name:path}/blobs/uploads/{upload}", "PATCH", _PUSH, uploads.append),
    ("/v2/{name:path}/blobs/uploads/{upload}", "PUT", _PUSH, uploads.finish),
    ("/v2/{name:path}/blobs/uploads/{upload}", "DELETE", _PUSH, uploads.cancel),
    ("/v2/{name:path}/blobs/{reference}", "GET", _PULL, uploads.read),
    ("/v2/{name:path}/blobs/{reference}", "DELETE", _DELETE, uploads.delete),
    ("/acr/v1/_catalog", "GET", LIST, content.catalog),
    ("/acr/v1/{name:path}/_tags", "GET", LIST, properties.tags),
    ("/acr/v1/{name:path}/_tags/{reference}", "GET", LIST, properties.tag),
    ("/acr/v1/{name:path}/_tags/{reference}", "DELETE", _DELETE, properties.delete_tag),
    ("/acr/v1/{name:path}/_manifests", "GET", LIST, properties.manifests_of),
    ("/acr/v1/{name:path}/_manifests/{reference}", "GET", LIST, properties.manifest),
    ("/acr/v1/{name:path}", "GET", LIST, properties.repository),
    ("/acr/v1/{name:path}", "DELETE", _DELETE, properties.delete_repository),
]


def registry_app(images: ImageStore, tokens: Tokens, control: Control, collect: Collect) -> Starlette:
    """The data plane of every registry; `collect` clears the disk of what was deleted."""
    door = Door(images, tokens, control, collect)
    routes = [Route(path, door.guard(action, handler), methods=[method]) for path, method, action, handler in ROUTES]
    sign_in = [
        Route("/oauth2/exchange", door.exchange, methods=["POST"]),
        Route("/oauth2/token", door.token, methods=["POST"]),
        Route("/oauth2/token", door.docker_token),
    ]
    return Starlette(routes=[*sign_in, *routes], exception_handlers={HTTPException: _no_route})


async def _no_route(request: Request, error: Exception) -> Response:
    """What no route takes, in OCI's envelope."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    return RegistryError(status, "UNSUPPORTED", f"{request.method} {request.url.path} is not supported").response()
