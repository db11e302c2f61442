"""How a request names registries: by host name as Azure's, or by the first part of the path on this machine's address.

`https://chatreg.azurecr.io/v2/chat/ui/...` and `https://127.0.0.1:PORT/v2/chatreg/chat/ui/...` are the same place: the
second form is for engines, which take any certificate from loopback and know no proxy that leads here.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from ..reference import DOMAIN

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Address:
    """The Host header of a request, its port included."""

    host: str

    @classmethod
    def of(cls, request: Request) -> Address:
        return cls(request.headers.get("host", "").lower())

    @property
    def server(self) -> str | None:
        """The login server that is spoken to; None on loopback, where all registries are."""
        name = self.host.partition(":")[0]
        return name if name.endswith(f".{DOMAIN}") else None

    @property
    def service(self) -> str:
        """Where a token that is issued here is good."""
        return self.server or LOOPBACK

    def split(self, spelled: str) -> tuple[str, str]:
        """Login server and repository of a name as it is written at this address."""
        if self.server:
            return self.server, spelled
        registry, _, repository = spelled.partition("/")
        return f"{registry}.{DOMAIN}", repository

    def spell(self, server: str, repository: str) -> str:
        return repository if self.server else f"{server.removesuffix(f'.{DOMAIN}')}/{repository}"
