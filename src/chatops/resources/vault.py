"""Key vault in RBAC mode. https://learn.microsoft.com/azure/templates/microsoft.keyvault/vaults

A deleted vault keeps its name for days: it is looked for, and recovered instead of created.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import Counted, Meter, Meters
from chatops.engine.resource import Json, Known, Observed, Report
from chatops.resources.arm import WholeResource

if TYPE_CHECKING:
    from azure.mgmt.keyvault import types

LOOKUPS_A_DAY = Decimal(200)
"""Each app's secrets every half hour, and what chatops itself asks: an assumption."""


@dataclass(frozen=True, kw_only=True)
class KeyVault(WholeResource):
    type = "Microsoft.KeyVault/vaults"
    words = "key vault"
    api_version = "2026-02-01"
    immutable = frozenset({"location", "properties.softDeleteRetentionInDays", "properties.tenantId"})
    precious = True

    location: str
    tags: dict[str, str]
    tenant: str
    retention_days: int
    purge_protection: bool

    def body(self, known: Known) -> Json:
        properties: types.VaultProperties = {
            "tenantId": self.tenant,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": True,
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": self.retention_days,
        }
        if self.purge_protection:
            properties["enablePurgeProtection"] = True
        return {"location": self.location, "tags": self.tags, "properties": properties}

    def meters(self, body: Any) -> Meters:
        """No standing charge: container apps look for new versions of their secrets every half hour."""
        return (Meter("key-vault/operations", Counted.DAYS, LOOKUPS_A_DAY),)

    def read(self, azure: Azure) -> Observed | None:
        if (body := azure.read(self.id, self.api_version)) is not None:
            return self.found(body)
        if (deleted := self._deleted(azure)) is not None:
            until = str(deleted["properties"].get("scheduledPurgeDate", ""))[:10]
            return Observed({}, exists=False, note=f"was deleted and is kept until {until}: it will be recovered")
        return None

    def _deleted(self, azure: Azure) -> Json | None:
        subscription = "/".join(self.id.split("/")[:3])
        where = f"{subscription}/providers/Microsoft.KeyVault/locations/{self.location}/deletedVaults/{self.name}"
        return azure.read(where, self.api_version)

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        if self._deleted(azure) is not None:
            report("recovering the deleted vault")
            body = {**body, "properties": {**body["properties"], "createMode": "recover"}}
        super().create(azure, body, report)

    def put(self, azure: Azure, body: Any) -> None:
        wait(azure.vaults.vaults.begin_create_or_update(self.group, self.name, body), azure.stop, self.longest)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            azure.vaults.vaults.delete(self.group, self.name)
        if self.purge_protection:
            report(f"deleted; purge protection keeps the name for {self.retention_days} days")
            return
        report("purging")
        with deleting(f"{self.label} for good"):
            wait(azure.vaults.vaults.begin_purge_deleted(self.name, self.location), azure.stop, self.longest)
