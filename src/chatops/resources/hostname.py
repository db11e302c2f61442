"""Host name on a container app, without a certificate yet ("Disabled"). Azure checks here whose the name is.

https://learn.microsoft.com/azure/container-apps/custom-domains-certificates
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting
from chatops.azure.clients import Azure
from chatops.azure.limits import at_most
from chatops.engine.resource import Json, Known, Report
from chatops.errors import ChatopsError, CloudError, Interrupted
from chatops.resources.domain_entry import DomainEntry
from chatops.resources.host import LOOK_AGAIN_SECONDS, SETTLE_SECONDS

UNPROVEN = "InvalidCustomHostNameValidation"


@dataclass(frozen=True, kw_only=True)
class HostName(DomainEntry):
    @property
    def label(self) -> str:
        return f"host name '{self.host.name}' on '{self.host.app_name}'"

    def body(self, known: Known) -> Json:
        return {"name": self.host.name}

    def declared(self, entry: Json) -> Json:
        return {"name": self.host.name}

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        deadline = time.monotonic() + at_most(SETTLE_SECONDS)
        while True:
            try:
                with calling("adding", self.label):
                    self.change(azure, lambda own: own or self.unbound)
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

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            self.change(azure, lambda own: None)
