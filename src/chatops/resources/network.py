"""Virtual network with its subnets inline. https://learn.microsoft.com/azure/templates/microsoft.network/virtualnetworks

A PUT of the network without its subnets would drop them, so the two are one resource here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Observed, Report
from chatops.resources.arm import WholeResource

if TYPE_CHECKING:
    from azure.mgmt.network import types


@dataclass(frozen=True)
class Subnet:
    """A range of the network that is given to one service: `Microsoft.App/environments` and the like."""

    name: str
    prefix: str
    delegated_to: str

    @property
    def delegation(self) -> str:
        return self.delegated_to.replace("/", ".")

    def body(self) -> Any:
        service: types.ServiceDelegationPropertiesFormat = {"serviceName": self.delegated_to}
        delegation = {"name": self.delegation, "properties": service}
        return {"name": self.name, "properties": {"addressPrefix": self.prefix, "delegations": [delegation]}}


@dataclass(frozen=True, kw_only=True)
class VirtualNetwork(WholeResource):
    type = "Microsoft.Network/virtualNetworks"
    words = "virtual network"
    api_version = "2025-07-01"

    location: str
    tags: dict[str, str]
    address_space: str
    subnets: tuple[Subnet, ...]

    def body(self, known: Known) -> Json:
        properties: types.VirtualNetworkPropertiesFormat = {
            "addressSpace": {"addressPrefixes": [self.address_space]},
            "subnets": [subnet.body() for subnet in self.subnets],
        }
        return {"location": self.location, "tags": self.tags, "properties": properties}

    def read(self, azure: Azure) -> Observed | None:
        """A delegation's name means nothing, and other tools choose others: what is delegated as we want bears ours."""
        if (body := azure.read(self.id, self.api_version)) is None:
            return None
        names = {subnet.delegated_to.lower(): subnet.delegation for subnet in self.subnets}
        return self.found(_renamed(body, lambda it: str(names.get(_service(it), it["name"]))))

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def put(self, azure: Azure, body: Any) -> None:
        wire: Any = _renamed(body, lambda it: str(it.get("id", it["name"])).rsplit("/", 1)[-1])
        networks = azure.network.virtual_networks
        wait(networks.begin_create_or_update(self.group, self.name, wire), azure.stop, self.longest)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.network.virtual_networks.begin_delete(self.group, self.name), azure.stop, self.longest)


def _service(delegation: Json) -> str:
    return str(delegation["properties"]["serviceName"]).lower()


def _renamed(network: Json, name_of: Callable[[Json], str]) -> Json:
    """Return the network with each subnet's delegations named by `name_of`."""

    def subnet(body: Json) -> Json:
        delegations = [{**it, "name": name_of(it)} for it in body["properties"].get("delegations") or []]
        return {**body, "properties": {**body["properties"], "delegations": delegations}}

    properties = network["properties"]
    return {**network, "properties": {**properties, "subnets": [subnet(it) for it in properties.get("subnets") or []]}}
