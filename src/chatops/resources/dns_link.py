"""Link of a private DNS zone to a network. https://learn.microsoft.com/azure/templates/microsoft.network/privatednszones/virtualnetworklinks"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Report
from chatops.resources.arm import WholeResource

if TYPE_CHECKING:
    from azure.mgmt.privatedns import types


@dataclass(frozen=True, kw_only=True)
class PrivateDnsLink(WholeResource):
    type = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
    words = "private DNS link"
    api_version = "2024-06-01"
    immutable = frozenset({"location", "properties.virtualNetwork"})

    tags: dict[str, str]
    network_id: str

    @property
    def zone(self) -> str:
        return self.id.split("/")[8]

    def body(self, known: Known) -> Json:
        properties: types.VirtualNetworkLinkProperties = {
            "virtualNetwork": {"id": self.network_id},
            "registrationEnabled": False,
        }
        return {"location": "global", "tags": self.tags, "properties": properties}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def put(self, azure: Azure, body: Any) -> None:
        links = azure.private_dns.virtual_network_links
        wait(links.begin_create_or_update(self.group, self.zone, self.name, body), azure.stop, self.longest)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(
                azure.private_dns.virtual_network_links.begin_delete(self.group, self.zone, self.name),
                azure.stop,
                self.longest,
            )
