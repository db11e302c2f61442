"""What leaves this machine: every request of the SDK clients, caught where it goes onto the wire, and who answers."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from contract import azure_schemas
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.models import PreparedRequest, Response
from urllib3 import HTTPResponse

from chatops.azure.cloud import Cloud

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
TENANT = "22222222-2222-2222-2222-222222222222"

COMPUTED = {
    "principalId": "33333333-3333-3333-3333-333333333333",
    "customerId": "44444444-4444-4444-4444-444444444444",
}
"""Outputs of resources that other bodies are made of."""

WITHOUT_SCHEMA = {
    r"PUT .*/resourceGroups/[^/]+": "Azure publishes no schema of a resource group; its body is location and tags",
    r"POST .*\.azurecr\.io/oauth2/(exchange|token)": "a form of the registry's sign-in, no JSON",
    r"POST .*/checkNameAvailability": "a question, not a resource: name and type",
}
"""Requests whose bodies no schema describes -> why."""


@dataclass(frozen=True)
class Sent:
    """One request with a body. `read` is what the last GET of the same resource had answered."""

    method: str
    url: str
    body: Any
    read: Any = None

    @property
    def what(self) -> str:
        """Method, host and path."""
        parts = urlsplit(self.url)
        return f"{self.method} {parts.netloc}{parts.path}"

    @property
    def type(self) -> str | None:
        """The ARM type that the URL names, an action's name included: `Microsoft.X/servers/databases`."""
        _, _, tail = urlsplit(self.url).path.rpartition("/providers/")
        namespace, *rest = tail.split("/")
        return "/".join((namespace, *rest[::2])) if rest else None

    @property
    def name(self) -> str:
        """The name that the URL gives a resource."""
        return urlsplit(self.url).path.rpartition("/")[2]

    @property
    def target(self) -> azure_schemas.Target | None:
        """The schema that the body has to keep."""
        if re.fullmatch(r"PUT [^/]+\.vault\.azure\.net/secrets/[^/]+", self.what):
            return azure_schemas.of_definition("microsoft.keyvault", "SecretProperties")
        if (type := self.type) is None:
            return None
        if type.lower() == azure_schemas.BUILDS:
            return azure_schemas.of_definition(azure_schemas.BUILDS, "RunRequest")
        return azure_schemas.of_resource(type, partial=self.method == "PATCH")

    @property
    def excused(self) -> str | None:
        """Why no schema is needed, None when one is."""
        return next((why for pattern, why in WITHOUT_SCHEMA.items() if re.fullmatch(pattern, self.what, re.I)), None)

    def problems(self) -> list[str]:
        """Return everything that the schema refuses. A body without a schema and without an excuse is one too."""
        if self.excused:
            return []
        if self.target is None:
            return [f"{self.what}: there is no schema for this body"]
        echoes = set(_fields(self.read))
        return [
            f"{self.what}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"
            for error in azure_schemas.errors(self.target, self.name, self.body)
            if not _echoes_only(error, echoes)
        ]


def _echoes_only(error: Any, echoes: set[str]) -> bool:
    """A PUT gives back what a GET answered; Azure ignores the fields that it computes itself."""
    if error.validator != "additionalProperties":
        return False
    extra = set(error.instance) - set(error.schema["properties"])
    return all(_said(key, error.instance[key]) in echoes for key in extra)


def _fields(body: Any) -> Iterator[str]:
    items = body.items() if isinstance(body, dict) else ()
    for key, value in items:
        yield _said(key, value)
    for value in body.values() if isinstance(body, dict) else body if isinstance(body, list) else ():
        yield from _fields(value)


def _said(key: str, value: Any) -> str:
    return f"{key}={json.dumps(value, sort_keys=True)}"


@dataclass
class Record:
    """Everything that was sent, in order, and the last answer to a GET per path."""

    sent: list[Sent] = field(default_factory=list)
    read: dict[str, Any] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)

    def note(self, request: PreparedRequest) -> None:
        path = urlsplit(str(request.url)).path.lower()
        content = request.body
        if not content:
            self.empty.append(str(request.method))
            return
        text = content.decode() if isinstance(content, bytes) else str(content)
        is_json = "json" in request.headers.get("Content-Type", "")
        body = json.loads(text) if is_json else text
        self.sent.append(Sent(str(request.method), str(request.url), body, self.read.get(path)))


class OnTheWire(HTTPAdapter):
    """Sends, and notes what it sent."""

    def __init__(self, record: Record) -> None:
        super().__init__(pool_maxsize=40)
        self.record = record

    def send(self, request: PreparedRequest, *args: Any, **more: Any) -> Response:
        self.record.note(request)
        answer = super().send(request, *args, **{**more, "stream": False})
        if request.method == "GET" and answer.ok and "json" in answer.headers.get("Content-Type", ""):
            self.record.read[urlsplit(str(request.url)).path.lower()] = answer.json()
            answer.raw = HTTPResponse(
                io.BytesIO(answer.content), answer.headers, answer.status_code, preload_content=False
            )
        return answer


class NoWire(BaseAdapter):
    """Takes every body as Azure would take it, and does nothing: the other end for thousands of generated bodies."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self.record = record
        self.secrets: set[str] = set()

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        self.record.note(request)
        status, headers, body = self._answer(request, urlsplit(str(request.url)))
        answer = Response()
        answer.status_code, answer.request, answer.url = status, request, str(request.url)
        answer.headers.update({"Content-Type": "application/json", **headers})
        content = io.BytesIO(b"" if status == 204 else json.dumps(body).encode())
        answer.raw = HTTPResponse(content, answer.headers, status, preload_content=False)
        return answer

    def close(self) -> None:
        return

    def _answer(self, request: PreparedRequest, url: Any) -> tuple[int, dict[str, str], Any]:
        if url.netloc.endswith(".vault.azure.net"):
            if "Authorization" not in request.headers:
                scheme = f'Bearer authorization="https://login.microsoftonline.com/{TENANT}"'
                return 401, {"WWW-Authenticate": f'{scheme}, resource="https://vault.azure.net"'}, {}
            if request.method == "PUT":
                self.secrets.add(url.path)
            if url.path.rstrip("/") not in self.secrets:
                return 404, {}, {"error": {"code": "SecretNotFound", "message": "none"}}
            return 200, {}, {"id": f"https://{url.netloc}{url.path}/1", "value": "a-Secret-1", "attributes": {}}
        if "deletedvaults" in url.path.lower():
            return 404, {}, {"error": {"code": "DeletedVaultNotFound", "message": "none"}}
        if request.method in ("PUT", "PATCH"):
            if "Microsoft.DBforPostgreSQL" in url.path:
                return 202, {}, {}
            status = 201 if "roleAssignments" in url.path else 200
            return status, {}, {"properties": {"provisioningState": "Succeeded"}}
        return 200, {}, {"properties": {"provisioningState": "Succeeded", **COMPUTED}, "primarySharedKey": "key"}


class AnyToken:
    """A credential for the `NoWire`."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("token", int(time.time()) + 3600)


@dataclass(frozen=True)
class Recorded(Cloud):
    """A cloud whose clients send through an adapter of ours."""

    adapter: BaseAdapter | None = None

    @cached_property
    def transport(self) -> dict[str, Any]:
        session = requests.Session()
        session.mount("https://", self.adapter)
        wire = RequestsTransport(session=session, session_owner=False, connection_verify=self.ca_file or True)
        own = Cloud(**{name: getattr(self, name) for name in Cloud.__dataclass_fields__})
        return {**own.transport, "transport": wire}


@dataclass(frozen=True)
class Imagined(Recorded):
    """A cloud that is not there at all."""

    @cached_property
    def credential(self) -> Any:
        return AnyToken()


def imagined(record: Record) -> Imagined:
    """Return a cloud that notes bodies and answers out of thin air."""
    return Imagined("nowhere", "https://management.azure.com", SUBSCRIPTION, TENANT, 0.0, adapter=NoWire(record))
