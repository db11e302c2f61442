"""Container registry, admin user off. https://learn.microsoft.com/azure/templates/microsoft.containerregistry/registries"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import NOTHING, Counted, Meter, Meters
from chatops.engine.resource import Json, Known, Report, Update
from chatops.resources.arm import ArmResource

INCLUDED_GB = {"Basic": Decimal(10), "Standard": Decimal(100), "Premium": Decimal(500)}
"""https://learn.microsoft.com/azure/container-registry/container-registry-skus"""


@dataclass(frozen=True, kw_only=True)
class ContainerRegistry(ArmResource):
    type = "Microsoft.ContainerRegistry/registries"
    words = "container registry"
    api_version = "2025-11-01"

    location: str
    tags: dict[str, str]
    sku: str

    def body(self, known: Known) -> Json:
        properties = {"adminUserEnabled": False}
        return {"location": self.location, "tags": self.tags, "sku": {"name": self.sku}, "properties": properties}

    def meters(self, body: Any) -> Meters:
        """The tier by the day, and what images take beyond what it includes."""
        sku = body["sku"]["name"]
        included = INCLUDED_GB.get(sku, NOTHING)
        return (
            Meter(f"registry/{sku}", Counted.DAYS),
            Meter("registry/storage", Counted.IMAGES, included=included),
        )

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        with calling("creating", self.label):
            wait(azure.registries.registries.begin_create(self.group, self.name, body), azure.stop, self.longest)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        with calling("updating", self.label):
            wait(
                azure.registries.registries.begin_update(self.group, self.name, update.patch), azure.stop, self.longest
            )

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.registries.registries.begin_delete(self.group, self.name), azure.stop, self.longest)
