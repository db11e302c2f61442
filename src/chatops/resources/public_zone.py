"""DNS zone that the world sees. https://learn.microsoft.com/azure/templates/microsoft.network/dnszones

One that is there already is only ever looked at; one of the stack's own comes and goes with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Counted, Meter, Meters
from chatops.engine.resource import Json, Known, Observed, Report, Update
from chatops.errors import ChatopsError
from chatops.naming import OWNER_TAG
from chatops.resources.arm import ArmResource, writable
from chatops.resources.host import ZONE_VERSION


@dataclass(frozen=True, kw_only=True)
class PublicDnsZone(ArmResource):
    """`existing`: it belongs to somebody else, who lets the stack write records into it."""

    type = "Microsoft.Network/dnsZones"
    words = "DNS zone"
    api_version = ZONE_VERSION
    precious = True
    orphaned = False

    tags: dict[str, str]
    existing: bool = False

    def body(self, known: Known) -> Json:
        return {} if self.existing else {"location": "global", "tags": self.tags, "properties": {}}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE if self.existing else (Meter("dns/public-zone", Counted.MONTHS),)

    def read(self, azure: Azure) -> Observed | None:
        """A zone that holds records of others is not deleted with the stack, whoever made it."""
        body = azure.read(self.id, self.api_version)
        if body is None:
            return None
        if self.existing or self._shared(azure):
            return Observed(body, ours=False)
        return self.found(body)

    def _shared(self, azure: Azure) -> bool:
        listed = azure.read(f"{self.id}/recordsets", self.api_version) or {}
        return any(not self._own(record) for record in listed.get("value", []))

    def _own(self, record: Json) -> bool:
        of_the_zone = record["name"] == "@" and record["type"].rsplit("/", 1)[-1].upper() in ("SOA", "NS")
        marks = (record.get("properties") or {}).get("metadata") or {}
        return of_the_zone or marks.get(OWNER_TAG) == self.tags[OWNER_TAG]

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        if self.existing:
            hint = "leave out zone_resource_group, and the stack makes a zone of its own"
            raise ChatopsError(f"{self.label} is not in the resource group '{self.group}'", hint)
        with calling("creating", self.label):
            made = azure.dns.zones.create_or_update(self.group, self.name, body)
        report(f"made; name these servers at the registrar: {', '.join(made.name_servers or [])}")

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        with calling("updating", self.label):
            azure.dns.zones.create_or_update(self.group, self.name, writable(update.whole))

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(azure.dns.zones.begin_delete(self.group, self.name), azure.stop, self.longest)
