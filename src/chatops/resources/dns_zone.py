"""Private DNS zone. https://learn.microsoft.com/azure/templates/microsoft.network/privatednszones"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import Counted, Meter, Meters
from chatops.engine.resource import Json, Known, Report, Update
from chatops.resources.arm import ArmResource, writable


@dataclass(frozen=True, kw_only=True)
class PrivateDnsZone(ArmResource):
    type = "Microsoft.Network/privateDnsZones"
    words = "private DNS zone"
    api_version = "2024-06-01"

    tags: dict[str, str]

    def body(self, known: Known) -> Json:
        return {"location": "global", "tags": self.tags, "properties": {}}

    def meters(self, body: Any) -> Meters:
        return (Meter("dns/private-zone", Counted.MONTHS),)

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        with calling("creating", self.label):
            wait(
                azure.private_dns.private_zones.begin_create_or_update(self.group, self.name, body),
                azure.stop,
                self.longest,
            )

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        with calling("updating", self.label):
            body = writable(update.whole)
            wait(
                azure.private_dns.private_zones.begin_create_or_update(self.group, self.name, body),
                azure.stop,
                self.longest,
            )

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.private_dns.private_zones.begin_delete(self.group, self.name), azure.stop, self.longest)
