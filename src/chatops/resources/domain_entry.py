"""An app's entry of one host name in its list of custom domains: what the kinds that live in it have in common.

The list is one value of the app. It is read, changed and written back by one writer at a time; others' entries stay.
https://learn.microsoft.com/azure/container-apps/custom-domains-certificates
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import wait
from chatops.azure.clients import Azure
from chatops.azure.limits import at_most
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Observed, Report, Update
from chatops.resources.arm import is_busy
from chatops.resources.host import APP_VERSION, Host, domain_of, domains_of


@dataclass(frozen=True, kw_only=True)
class DomainEntry(ABC):
    """A part of the entry; it is there when `declared` finds it in the entry."""

    immutable = frozenset[str]()
    exact = frozenset[str]()
    precious = False
    goes_with_parent = True

    address: str
    host: Host
    parent: str | None
    needs: tuple[str, ...] = ()

    @property
    def patience(self) -> float:
        return at_most(900.0)

    @property
    def unbound(self) -> Json:
        """The entry of a name that has no certificate."""
        return {"name": self.host.name, "bindingType": "Disabled"}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    @abstractmethod
    def declared(self, entry: Json) -> Json | None:
        """Return the fields of the entry that the kind declares, None where they are not set."""

    def read(self, azure: Azure) -> Observed | None:
        app = azure.read(self.host.app_id, APP_VERSION)
        entry = domain_of(app, self.host.name)
        found = self.declared(entry) if entry else None
        return None if found is None else Observed(found, busy=is_busy(app or {}))

    @abstractmethod
    def create(self, azure: Azure, body: Any, report: Report) -> None: ...

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        self.create(azure, update.whole, report)

    def change(self, azure: Azure, change: Callable[[Json | None], Json | None]) -> None:
        """Let `change` say what becomes of the entry (None: no entry) and write the list, if it differs."""
        with azure.alone_with(self.host.app_id):
            app = azure.read(self.host.app_id, APP_VERSION)
            if app is None:
                return
            own = domain_of(app, self.host.name)
            wanted = change(own)
            if wanted == own:
                return
            others = [entry for entry in domains_of(app) if entry != own]
            ingress = {"customDomains": [*others, wanted] if wanted else others}
            patch: Any = {"location": app["location"], "properties": {"configuration": {"ingress": ingress}}}
            apps = azure.container_apps.container_apps
            wait(apps.begin_update(self.host.app_group, self.host.app_name, patch), azure.stop)
