"""Host name on a container app, without a certificate yet ("Disabled"). Azure checks here whose the name is.

https://learn.microsoft.com/azure/container-apps/custom-domains-certificates
An app's names are one list in it. It is read, changed and written back by one writer at a time; others' names stay.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.azure.limits import at_most
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Observed, Report, Update
from chatops.errors import ChatopsError, CloudError, Interrupted
from chatops.resources.arm import is_busy
from chatops.resources.host import APP_VERSION, LOOK_AGAIN_SECONDS, SETTLE_SECONDS, Host, domain_of, domains_of

UNPROVEN = "InvalidCustomHostNameValidation"


@dataclass(frozen=True, kw_only=True)
class HostName:
    immutable = frozenset[str]()
    exact = frozenset[str]()
    precious = False
    goes_with_parent = True

    address: str
    host: Host
    parent: str | None
    needs: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"host name '{self.host.name}' on '{self.host.app_name}'"

    @property
    def patience(self) -> float:
        return at_most(900.0)

    def body(self, known: Known) -> Json:
        return {"name": self.host.name}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def read(self, azure: Azure) -> Observed | None:
        app = azure.read(self.host.app_id, APP_VERSION)
        found = domain_of(app, self.host.name)
        return Observed({"name": self.host.name}, busy=is_busy(app or {})) if found else None

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        deadline = time.monotonic() + at_most(SETTLE_SECONDS)
        while True:
            try:
                with calling("adding", self.label):
                    change_domains(azure, self.host, lambda own: own or _disabled(self.host.name))
                return
            except CloudError as error:
                if error.code != UNPROVEN:
                    raise
                finding = self.host.finding(azure, "zone", "proof")
                if time.monotonic() > deadline or (finding and not self.host.settles(finding)):
                    hint = finding.hint if finding else error.hint
                    raise ChatopsError(f"adding {self.label}: {finding or error.cause}", hint) from error
            report(f"{finding or 'the records are right'}; waiting until Azure sees them")
            if azure.stop.wait(LOOK_AGAIN_SECONDS):
                raise Interrupted("stopped waiting for Azure to see the records")

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        self.create(azure, update.whole, report)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            change_domains(azure, self.host, lambda own: None)


def _disabled(name: str) -> Json:
    return {"name": name, "bindingType": "Disabled"}


def change_domains(azure: Azure, host: Host, change: Callable[[Json | None], Json | None]) -> None:
    """Let `change` say what becomes of the host's entry in the app (None: no entry) and write it, if it differs."""
    with azure.alone_with(host.app_id):
        app = azure.read(host.app_id, APP_VERSION)
        if app is None:
            return
        own = domain_of(app, host.name)
        wanted = change(own)
        if wanted == own:
            return
        others = [domain for domain in domains_of(app) if domain != own]
        domains = [*others, wanted] if wanted else others
        ingress = {"customDomains": domains}
        patch: Any = {"location": app["location"], "properties": {"configuration": {"ingress": ingress}}}
        apps = azure.container_apps.container_apps
        wait(apps.begin_update(host.app_id.split("/")[4], host.app_name, patch), azure.stop)
