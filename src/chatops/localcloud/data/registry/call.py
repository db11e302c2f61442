"""One authorised request to one registry, and the answers that all handlers share."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..images import ImageStore, Reference, Repository
from ..manifests import DIGEST
from .address import Address

VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
PAGE = 100
_NAME = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_LONGEST_NAME = 255


Collect = Callable[[], Awaitable[None]]


class RegistryError(Exception):
    """An answer in OCI's shape: {"errors": [{"code", "message", "detail"}]}."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}

    def response(self) -> Response:
        body = {"errors": [{"code": self.code, "message": str(self), "detail": None}]}
        return JSONResponse(body, self.status, self.headers | VERSION)


@dataclass(frozen=True)
class Call:
    """What handlers are given.

    `may` tells whether the caller may take an action (`pull`) on a name as spelled, `collect` takes from disk what
    nobody names any more.
    """

    request: Request
    images: ImageStore
    address: Address
    may: Callable[[str, str], bool]
    collect: Collect

    @property
    def spelled(self) -> str:
        """The repository as the caller names it."""
        return str(self.request.path_params["name"])

    @property
    def server(self) -> str:
        return self.address.split(self.spelled)[0]

    @property
    def name(self) -> str:
        return self.address.split(self.spelled)[1]

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params)

    @property
    def place(self) -> Reference:
        """The repository itself. Raises RegistryError for what is no name."""
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST_NAME:
            raise RegistryError(400, "NAME_INVALID", f"invalid repository name: {self.spelled!r}")
        return Reference(self.server, self.name, "")

    @property
    def reference(self) -> Reference:
        """The tag or digest that the path names. Raises RegistryError."""
        version = str(self.request.path_params["reference"])
        if ":" in version:
            return self.place.at(checked_digest(version))
        if not _TAG.fullmatch(version):
            raise RegistryError(400, "TAG_INVALID", f"invalid tag: {version!r}")
        return self.place.at(version)

    def repository(self) -> Repository:
        """Raises RegistryError when there is none of that name."""
        found = self.images.repositories(self.server).get(self.place.repository)
        if found is None:
            raise RegistryError(404, "NAME_UNKNOWN", f"repository name {self.spelled!r} is not known to the registry")
        return found

    def digest(self) -> str:
        """The digest that the request's reference means. Raises RegistryError."""
        digest = self.images.resolve(self.reference)
        if digest is None:
            raise RegistryError(404, "MANIFEST_UNKNOWN", f"manifest {self.reference.version!r} is not found")
        return digest

    def at(self, path: str) -> str:
        """A path in this repository, for Location."""
        return f"/v2/{self.spelled}/{path}"

    def page(self, names: Iterable[str], most: int | None = PAGE) -> tuple[list[str], dict[str, str]]:
        """The names after `last`, at most `n` of them, and the Link header that leads on."""
        found = sorted(name for name in names if name > self.query.get("last", ""))
        asked = self.query.get("n")
        if asked is not None and not asked.isdecimal():
            raise RegistryError(400, "PAGINATION_NUMBER_INVALID", f"n is no number of entries: {asked!r}")
        size = most if asked is None else int(asked)
        if size is None or len(found) <= size:
            return found, {}
        shown = found[:size]
        after = shown[-1] if shown else self.query.get("last", "")
        return shown, {"Link": f'<{self.request.url.path}?last={after}&n={size}>; rel="next"'} if size else {}

    def answer(self, body: Any, headers: dict[str, str]) -> Response:
        return JSONResponse(body, headers=headers | VERSION)

    def deleted(self, body: Any = None) -> Response:
        """The disk is cleared once the answer is out."""
        answer = JSONResponse(body, headers=VERSION) if body is not None else Response(headers=VERSION)
        answer.status_code, answer.background = 202, BackgroundTask(self.collect)
        return answer


def checked_digest(text: str) -> str:
    """Raises RegistryError for anything but sha256 in hexadecimal."""
    if not DIGEST.fullmatch(text):
        raise RegistryError(400, "DIGEST_INVALID", f"invalid digest: {text!r}; sha256 is what this registry takes")
    return text
