"""Binding of a host name to its certificate ("SniEnabled"): from here on browsers get the page over TLS.

https://learn.microsoft.com/azure/container-apps/custom-domains-certificates
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.engine.resource import Json, Known, Report
from chatops.naming import OWNER_TAG
from chatops.resources.domain_entry import DomainEntry
from chatops.resources.host import APP_VERSION, domain_of

BOUND = "SniEnabled"


@dataclass(frozen=True, kw_only=True)
class Binding(DomainEntry):
    """`owner` is the stack: a certificate of its own that the name was bound to before is deleted."""

    owner: str

    @property
    def label(self) -> str:
        return f"TLS binding of '{self.host.name}'"

    def body(self, known: Known) -> Json:
        return {"bindingType": BOUND, "certificateId": self.host.certificate_id}

    def declared(self, entry: Json) -> Json | None:
        if entry.get("bindingType", "Disabled") == "Disabled":
            return None
        return {key: entry.get(key) for key in ("bindingType", "certificateId")}

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        former = domain_of(azure.read(self.host.app_id, APP_VERSION), self.host.name) or {}
        bound = {"name": self.host.name, **self.body(Known({}))}
        with calling("making", self.label):
            self.change(azure, lambda own: {**(own or {}), **bound})
        self._drop(azure, str(former.get("certificateId") or ""))

    def _drop(self, azure: Azure, former: str) -> None:
        """Delete the certificate that was bound before, if it is the stack's: the file names another one now."""
        if not former or former.lower() == self.host.certificate_id.lower():
            return
        found = azure.read(former, APP_VERSION) or {}
        if (found.get("tags") or {}).get(OWNER_TAG) == self.owner:
            with deleting(f"certificate '{former.rsplit('/', 1)[-1]}'"):
                poller = azure.resources.resources.begin_delete_by_id(former, api_version=APP_VERSION)
                wait(poller, azure.stop)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            self.change(azure, lambda own: own and self.unbound)
