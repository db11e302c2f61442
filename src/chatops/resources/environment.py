"""Container Apps environment with workload profiles, in its own subnet. https://learn.microsoft.com/azure/templates/microsoft.app/managedenvironments"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import Counted, Meter, Meters
from chatops.engine.resource import Json, Known, Report
from chatops.resources.arm import WholeResource
from chatops.resources.workspace import shared_key

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import types

BALANCER_SEEN = "one first bill that was published (September 2026) has it as a meter that is free"
ADDRESS_SEEN = "one to come in, one to go out, as documented; one environment that was looked into has a single one"
MANAGEMENT = Meter(
    "container-apps/environment-hours",
    Counted.HOURS,
    note="new on the price list since September 2026; the documents name dedicated profiles, private endpoints and "
    "planned maintenance, not an environment like this one",
    doubtful=True,
)


@dataclass(frozen=True, kw_only=True)
class ManagedEnvironment(WholeResource):
    type = "Microsoft.App/managedEnvironments"
    words = "container apps environment"
    api_version = "2026-01-01"
    longest = 3600.0
    immutable = frozenset({"location", "properties.vnetConfiguration"})

    location: str
    tags: dict[str, str]
    subnet_id: str
    workspace_id: str
    identity_id: str | None = None
    """Who fetches certificates from a key vault."""

    def body(self, known: Known) -> Json:
        customer = known("workspace", "properties.customerId")
        properties: types.ManagedEnvironmentProperties = {
            "vnetConfiguration": {"infrastructureSubnetId": self.subnet_id, "internal": False},
            "workloadProfiles": [{"name": "Consumption", "workloadProfileType": "Consumption"}],
            "appLogsConfiguration": {
                "destination": "log-analytics",
                "logAnalyticsConfiguration": {"customerId": customer},
            },
        }
        body: Json = {"location": self.location, "tags": self.tags, "properties": properties}
        if self.identity_id:
            body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {self.identity_id: {}}}
        return body

    def meters(self, body: Any) -> Meters:
        """What it brings with it: in a network of its own, a group `ME_...` with a load balancer and public addresses.

        https://learn.microsoft.com/azure/container-apps/custom-virtual-networks#managed-resources
        """
        network = body["properties"].get("vnetConfiguration") or {}
        if not network.get("infrastructureSubnetId"):
            return (MANAGEMENT,)
        balancers, addresses = (Decimal(2), Decimal(1)) if network.get("internal") else (Decimal(1), Decimal(2))
        return (
            Meter("load-balancer/rules", Counted.HOURS, balancers, note=BALANCER_SEEN),
            Meter("address/standard", Counted.HOURS, addresses, note=ADDRESS_SEEN),
            MANAGEMENT,
        )

    def put(self, azure: Azure, body: Any) -> None:
        """The workspace's key goes along each time: Azure gives it back to nobody."""
        logs = body["properties"]["appLogsConfiguration"]
        key = {"sharedKey": shared_key(azure, self.workspace_id)}
        logs = {**logs, "logAnalyticsConfiguration": {**logs["logAnalyticsConfiguration"], **key}}
        body = {**body, "properties": {**body["properties"], "appLogsConfiguration": logs}}
        environments = azure.container_apps.managed_environments
        wait(environments.begin_create_or_update(self.group, self.name, body), azure.stop, self.longest)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(
                azure.container_apps.managed_environments.begin_delete(self.group, self.name), azure.stop, self.longest
            )
