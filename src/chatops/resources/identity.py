"""User-assigned managed identity. https://learn.microsoft.com/azure/templates/microsoft.managedidentity/userassignedidentities"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import deleting
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Report
from chatops.resources.arm import WholeResource


@dataclass(frozen=True, kw_only=True)
class ManagedIdentity(WholeResource):
    type = "Microsoft.ManagedIdentity/userAssignedIdentities"
    words = "managed identity"
    api_version = "2024-11-30"

    location: str
    tags: dict[str, str]

    def body(self, known: Known) -> Json:
        return {"location": self.location, "tags": self.tags}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def put(self, azure: Azure, body: Any) -> None:
        azure.identities.user_assigned_identities.create_or_update(self.group, self.name, body)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            azure.identities.user_assigned_identities.delete(self.group, self.name)
