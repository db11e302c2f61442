"""PostgreSQL flexible server with private access. https://learn.microsoft.com/azure/templates/microsoft.dbforpostgresql/flexibleservers"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import Counted, Meter, Meters, number
from chatops.engine.resource import Json, Known, Report, Update
from chatops.resources.arm import ArmResource, is_broken
from chatops.resources.secret import secret_value

if TYPE_CHECKING:
    from azure.mgmt.postgresqlflexibleservers import types


@dataclass(frozen=True)
class AdminSecrets:
    """Where the administrator's name and password lie: a vault and the names of two secrets."""

    vault: str
    username: str
    password: str


@dataclass(frozen=True, kw_only=True)
class PostgresServer(ArmResource):
    type = "Microsoft.DBforPostgreSQL/flexibleServers"
    words = "PostgreSQL server"
    api_version = "2025-08-01"
    longest = 3600.0
    immutable = frozenset({"location", "properties.network", "properties.version"})
    precious = True

    location: str
    tags: dict[str, str]
    sku: str
    tier: str
    storage_gb: int
    version: str
    backup_days: int
    subnet_id: str
    zone_id: str
    admin: AdminSecrets

    def body(self, known: Known) -> Json:
        properties: types.ServerProperties = {
            "version": self.version,
            "storage": {"storageSizeGB": self.storage_gb},
            "backup": {"backupRetentionDays": self.backup_days},
            "network": {"delegatedSubnetResourceId": self.subnet_id, "privateDnsZoneArmResourceId": self.zone_id},
        }
        sku = {"name": self.sku, "tier": self.tier}
        return {"location": self.location, "tags": self.tags, "sku": sku, "properties": properties}

    def meters(self, body: Any) -> Meters:
        """Compute and storage; backups are free up to the size of the storage, and are assumed not to pass it.

        https://azure.microsoft.com/pricing/details/postgresql/flexible-server/
        """
        stored = number(body["properties"]["storage"]["storageSizeGB"])
        return (
            Meter(f"postgresql/{body['sku']['name']}", Counted.HOURS),
            Meter("postgresql/storage", Counted.MONTHS, stored),
            Meter("postgresql/backup", Counted.MONTHS, stored, included=stored),
        )

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        login = {
            "administratorLogin": secret_value(azure, self.admin.vault, self.admin.username),
            "administratorLoginPassword": secret_value(azure, self.admin.vault, self.admin.password),
        }
        body = {**body, "properties": {**body["properties"], **login, "createMode": "Create"}}
        with calling("creating", self.label):
            wait(azure.postgres.servers.begin_create_or_update(self.group, self.name, body), azure.stop, self.longest)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        if is_broken(update.whole):
            self.create(azure, update.patch, report)
            return
        with calling("updating", self.label):
            wait(azure.postgres.servers.begin_update(self.group, self.name, update.patch), azure.stop, self.longest)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.postgres.servers.begin_delete(self.group, self.name), azure.stop, self.longest)
