"""Resource group: the one that holds the whole stack. https://learn.microsoft.com/azure/templates/microsoft.resources/resourcegroups"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Report, Update
from chatops.resources.arm import ArmResource, writable


@dataclass(frozen=True, kw_only=True)
class ResourceGroup(ArmResource):
    type = "Microsoft.Resources/resourceGroups"
    words = "resource group"
    api_version = "2025-04-01"
    longest = 5400.0

    location: str
    tags: dict[str, str]
    parent: str | None = None

    def body(self, known: Known) -> Json:
        return {"location": self.location, "tags": self.tags}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        with calling("creating", self.label):
            azure.resources.resource_groups.create_or_update(self.name, body)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        with calling("updating", self.label):
            azure.resources.resource_groups.create_or_update(self.name, writable(update.whole))

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.resources.resource_groups.begin_delete(self.name), azure.stop, self.longest)
