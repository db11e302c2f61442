"""Private DNS zone. https://learn.microsoft.com/azure/templates/microsoft.network/privatednszones"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import Counted, Meter, Meters
from chatops.engine.resource import Json, Known, Report
from chatops.resources.arm import WholeResource


@dataclass(frozen=True, kw_only=True)
class PrivateDnsZone(WholeResource):
    type = "Microsoft.Network/privateDnsZones"
    words = "private DNS zone"
    api_version = "2024-06-01"

    tags: dict[str, str]

    def body(self, known: Known) -> Json:
        return {"location": "global", "tags": self.tags, "properties": {}}

    def meters(self, body: Any) -> Meters:
        return (Meter("dns/private-zone", Counted.MONTHS),)

    def put(self, azure: Azure, body: Any) -> None:
        zones = azure.private_dns.private_zones
        wait(zones.begin_create_or_update(self.group, self.name, body), azure.stop, self.longest)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.private_dns.private_zones.begin_delete(self.group, self.name), azure.stop, self.longest)
