"""Database of a PostgreSQL server. https://learn.microsoft.com/azure/templates/microsoft.dbforpostgresql/flexibleservers/databases"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Report, Update
from chatops.resources.arm import ArmResource

if TYPE_CHECKING:
    from azure.mgmt.postgresqlflexibleservers import types


@dataclass(frozen=True, kw_only=True)
class PostgresDatabase(ArmResource):
    type = "Microsoft.DBforPostgreSQL/flexibleServers/databases"
    words = "database"
    api_version = "2025-08-01"
    immutable = frozenset({"properties"})
    precious = True
    goes_with_parent = True

    @property
    def server(self) -> str:
        return self.id.split("/")[8]

    def body(self, known: Known) -> Json:
        properties: types.DatabaseProperties = {"charset": "UTF8", "collation": "en_US.utf8"}
        return {"properties": properties}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        with calling("creating", self.label):
            wait(
                azure.postgres.databases.begin_create(self.group, self.server, self.name, body),
                azure.stop,
                self.longest,
            )

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        raise NotImplementedError("nothing of a database changes in place")

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.postgres.databases.begin_delete(self.group, self.server, self.name), azure.stop, self.longest)
