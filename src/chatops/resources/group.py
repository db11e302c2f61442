"""Resource group: the one that holds the whole stack. https://learn.microsoft.com/azure/templates/microsoft.resources/resourcegroups"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Report
from chatops.resources.arm import WholeResource


@dataclass(frozen=True, kw_only=True)
class ResourceGroup(WholeResource):
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

    def put(self, azure: Azure, body: Any) -> None:
        azure.resources.resource_groups.create_or_update(self.name, body)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.resources.resource_groups.begin_delete(self.name), azure.stop, self.longest)
