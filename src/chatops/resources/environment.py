"""Container Apps environment with workload profiles, in its own subnet. https://learn.microsoft.com/azure/templates/microsoft.app/managedenvironments"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.engine.resource import Json, Known, Report, Update
from chatops.resources.arm import ArmResource, writable
from chatops.resources.workspace import shared_key

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import types


@dataclass(frozen=True, kw_only=True)
class ManagedEnvironment(ArmResource):
    type = "Microsoft.App/managedEnvironments"
    words = "container apps environment"
    api_version = "2026-01-01"
    longest = 3600.0
    immutable = frozenset({"location", "properties.vnetConfiguration"})

    location: str
    tags: dict[str, str]
    subnet_id: str
    workspace_id: str

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
        return {"location": self.location, "tags": self.tags, "properties": properties}

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        logs = body["properties"]["appLogsConfiguration"]
        key = {"sharedKey": shared_key(azure, self.workspace_id)}
        logs = {**logs, "logAnalyticsConfiguration": {**logs["logAnalyticsConfiguration"], **key}}
        body = {**body, "properties": {**body["properties"], "appLogsConfiguration": logs}}
        with calling("creating", self.label):
            environments = azure.container_apps.managed_environments
            wait(environments.begin_create_or_update(self.group, self.name, body), azure.stop, self.longest)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        self.create(azure, writable(update.whole), report)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(
                azure.container_apps.managed_environments.begin_delete(self.group, self.name), azure.stop, self.longest
            )
