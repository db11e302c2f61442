"""Binding of a host name to its certificate ("SniEnabled"): from here on browsers get the page over TLS.

https://learn.microsoft.com/azure/container-apps/custom-domains-certificates
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.azure.limits import at_most
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Observed, Report, Update
from chatops.naming import OWNER_TAG
from chatops.resources.arm import is_busy
from chatops.resources.host import APP_VERSION, Host, domain_of
from chatops.resources.hostname import change_domains

BOUND = "SniEnabled"


@dataclass(frozen=True, kw_only=True)
class Binding:
    immutable = frozenset[str]()
    exact = frozenset[str]()
    precious = False
    goes_with_parent = True

    address: str
    host: Host
    owner: str
    parent: str | None
    needs: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"TLS binding of '{self.host.name}'"

    @property
    def patience(self) -> float:
        return at_most(900.0)

    def body(self, known: Known) -> Json:
        return {"bindingType": BOUND, "certificateId": self.host.certificate_id}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def read(self, azure: Azure) -> Observed | None:
        app = azure.read(self.host.app_id, APP_VERSION)
        found = domain_of(app, self.host.name)
        if found is None or found.get("bindingType", "Disabled") == "Disabled":
            return None
        return Observed({key: found.get(key) for key in ("bindingType", "certificateId")}, busy=is_busy(app or {}))

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        former = domain_of(azure.read(self.host.app_id, APP_VERSION), self.host.name) or {}
        bound = {"name": self.host.name, **self.body(Known({}))}
        with calling("making", self.label):
            change_domains(azure, self.host, lambda own: {**(own or {}), **bound})

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

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        self.create(azure, update.whole, report)

    def delete(self, azure: Azure, report: Report) -> None:
        unbound = {"name": self.host.name, "bindingType": "Disabled"}
        with deleting(self.label):
            change_domains(azure, self.host, lambda own: own and unbound)
