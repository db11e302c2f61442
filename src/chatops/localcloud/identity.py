"""Who calls: tokens signed by this world, and the sign-in endpoints that hand them out (AAD's paths and ADFS's).

There is one service principal, the operator, with a secret that lies in its own file. Managed identities get tokens
through `Tokens.issue` alone.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import jwt
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from . import clock
from .files import read_whole, write_private

LIFETIME = 3599
LARGEST_FORM = 2**20  # bytes
MANAGEMENT = ("https://management.azure.com", "https://management.core.windows.net")
VAULT = "https://vault.azure.net"
REGISTRY = "https://containerregistry.azure.net"


@dataclass(frozen=True)
class Claims:
    """What a valid token says: object id of the principal, its application, the audience, and what it is for."""

    oid: str
    appid: str
    tid: str
    aud: str
    scope: str = ""


class Tokens:
    """Issues and verifies access tokens (JWT, HS256). The key stays in a file of mode 0600."""

    def __init__(self, key_file: Path, tenant: str) -> None:
        if not read_whole(key_file):
            write_private(key_file, secrets.token_hex(32))
        self._key = key_file.read_text()
        self._tenant = tenant

    def issue(self, oid: str, audience: str, appid: str = "", lifetime: int = LIFETIME, scope: str = "") -> str:
        """A token for the principal `oid` and one audience, valid for `lifetime` seconds; `scope` may limit its use."""
        now = clock.epoch(clock.wall())
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self._tenant}/",
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "appid": appid or oid,
            "oid": oid,
            "sub": oid,
            "tid": self._tenant,
            "ver": "1.0",
            "jti": str(uuid.uuid4()),
        }
        if scope:
            claims["scope"] = scope
        return jwt.encode(claims, self._key, algorithm="HS256")

    def verify(self, token: str, audience: str | Sequence[str]) -> Claims | None:
        """The claims of a token that is ours, unexpired and meant for `audience` (a final slash does not matter)."""
        try:
            return self.claims(token, audience)
        except jwt.InvalidTokenError:
            return None

    def claims(self, token: str, audience: str | Sequence[str]) -> Claims:
        """As `verify`, but raises jwt.InvalidTokenError (ExpiredSignatureError when that is the reason)."""
        accepted = [audience] if isinstance(audience, str) else list(audience)
        accepted += [name + "/" for name in accepted]
        found = jwt.decode(token, self._key, algorithms=["HS256"], audience=accepted)
        meant = found["aud"].rstrip("/")
        return Claims(found["oid"], found["appid"], found["tid"], meant, found.get("scope", ""))


@dataclass(frozen=True)
class SignIn:
    """The sign-in service of one world: the operator's application with its secret."""

    tokens: Tokens
    tenant: str
    client_id: str
    operator: str
    secret_file: Path

    def routes(self) -> list[Route]:
        """Both families of paths: `/{tenant}[/v2.0]/...` as AAD has them and `/adfs/...`."""
        documents = ["/{tenant}/.well-known/openid-configuration", "/{tenant}/v2.0/.well-known/openid-configuration"]
        endpoints = ["/{tenant}/oauth2/token", "/{tenant}/oauth2/v2.0/token"]
        return [Route(path, self.configuration) for path in documents] + [
            Route(path, self.token, methods=["POST"]) for path in endpoints
        ]

    async def configuration(self, request: Request) -> JSONResponse:
        """The OpenID configuration document; only the token endpoint is served."""
        origin = f"{request.url.scheme}://{request.url.netloc}"
        tenant = request.path_params["tenant"]
        base = f"{origin}/{tenant}"
        adfs = tenant.lower() == "adfs"
        return JSONResponse(
            {
                "issuer": base if adfs else f"{base}/v2.0",
                "token_endpoint": f"{base}/oauth2/token" if adfs else f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/authorize" if adfs else f"{base}/oauth2/v2.0/authorize",
                "response_types_supported": ["code"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        )

    async def token(self, request: Request) -> JSONResponse:
        """The client credentials grant of OAuth 2.0, with Azure's own refusals."""
        form = await read_form(request)
        if form.get("grant_type") != "client_credentials":
            return _refusal("AADSTS70003", "unsupported_grant_type", "The app requested an unsupported grant type.")
        audience = form.get("resource") or form.get("scope", "").split(" ")[0].removesuffix("/.default")
        if not audience:
            return _refusal("AADSTS90014", "invalid_request", "The required field 'scope' is missing.")
        if form.get("client_id", "").lower() != self.client_id:
            text = (
                f"Application with identifier '{form.get('client_id')}' was not found in the directory '{self.tenant}'."
            )
            return _refusal("AADSTS700016", "unauthorized_client", text)
        if not hmac.compare_digest(form.get("client_secret", "").encode(), self.secret_file.read_bytes().strip()):
            text = f"Invalid client secret provided for app '{self.client_id}'."
            return _refusal("AADSTS7000215", "invalid_client", text, status=401)
        token = self.tokens.issue(self.operator, audience.rstrip("/"), appid=self.client_id)
        answer = {"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME, "access_token": token}
        return JSONResponse({**answer, "resource": audience})


def bearer(headers: Mapping[str, str]) -> str:
    """The bearer token of a request, "" when it has none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; what is no UTF-8 is no known value either."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_FORM:
            raise HTTPException(413)
    return dict(parse_qsl(body.decode(errors="replace")))


def _refusal(code: str, error: str, text: str, status: int = 400) -> JSONResponse:
    body = {
        "error": error,
        "error_description": f"{code}: {text}",
        "error_codes": [int(code.removeprefix("AADSTS"))],
        "timestamp": clock.iso(),
        "trace_id": str(uuid.uuid4()),
        "correlation_id": str(uuid.uuid4()),
    }
    return JSONResponse(body, status)
