"""DNS record in a zone of Azure. https://learn.microsoft.com/azure/templates/microsoft.network/dnszones/cname

A TXT record set may hold the values of others: ours is added to them and taken out again. A CNAME or A record set is
wholly ours. Writes carry the etag of what was read, so that nobody else's change is lost in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.domain.records import TTL
from chatops.engine.resource import Json, Known, Observed, Report, Update
from chatops.naming import OWNER_TAG
from chatops.resources.arm import ArmResource
from chatops.resources.host import APP_VERSION, ZONE_VERSION


@dataclass(frozen=True, kw_only=True)
class DnsRecord(ArmResource):
    """The id ends in zone, record type and relative name. `app_id` tells which value of a TXT set is the stack's."""

    type = "Microsoft.Network/dnsZones/recordsets"
    words = "DNS record"
    api_version = ZONE_VERSION
    goes_with_parent = True

    value: Callable[[Known], Any]
    app_id: str
    owner: str

    @property
    def record(self) -> str:
        """A, CNAME or TXT."""
        return self.id.split("/")[-2]

    @property
    def zone(self) -> str:
        return self.id.split("/")[8]

    @property
    def label(self) -> str:
        name = self.zone if self.name == "@" else f"{self.name}.{self.zone}"
        return f"DNS record {self.record} {name}"

    def body(self, known: Known) -> Json:
        return {"value": self.value(known)}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def read(self, azure: Azure) -> Observed | None:
        found = azure.read(self.id, self.api_version)
        if found is None:
            return None
        values = _values(found["properties"], self.record)
        own = self._own(azure)
        shown = own if own in values else ", ".join(values)
        ours = (found["properties"].get("metadata") or {}).get(OWNER_TAG) == self.owner
        return Observed({"value": shown}, ours=ours)

    def _own(self, azure: Azure) -> str | None:
        """The value of a TXT set that is ours."""
        app = azure.read(self.app_id, APP_VERSION) if self.record == "TXT" else None
        return str(app["properties"].get("customDomainVerificationId")) if app else None

    def _others(self, azure: Azure, properties: Json) -> list[str]:
        """The values of a TXT set that stay: all of several, where nobody knows any longer which one is ours."""
        values, own = _values(properties, self.record), self._own(azure)
        if self.record != "TXT" or (own is None and len(values) == 1):
            return []
        return [value for value in values if value != own]

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        found = azure.read(self.id, self.api_version)
        before = found["properties"] if found else {}
        others = _values(before, self.record) if self.record == "TXT" else []
        values = [*(value for value in others if value != body["value"]), body["value"]]
        metadata = {**(before.get("metadata") or {}), OWNER_TAG: self.owner}
        self._put(azure, values, metadata, found)

    def _put(self, azure: Azure, values: list[str], metadata: dict[str, str], found: Json | None) -> None:
        ttl = found["properties"].get("TTL") if found else None
        wire: Any = {"properties": {"TTL": ttl or TTL, "metadata": metadata, **_wire(values, self.record)}}
        unchanged = {"if_match": found["etag"]} if found and "etag" in found else {"if_none_match": "*"}
        kind: Any = self.record
        with calling("writing", self.label):
            azure.dns.record_sets.create_or_update(self.group, self.zone, self.name, kind, wire, **unchanged)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        self.create(azure, update.whole, report)

    def delete(self, azure: Azure, report: Report) -> None:
        found = azure.read(self.id, self.api_version)
        left = self._others(azure, found["properties"]) if found else []
        if found and left:
            metadata = {key: value for key, value in found["properties"]["metadata"].items() if key != OWNER_TAG}
            self._put(azure, left, metadata, found)
            return
        kind: Any = self.record
        with deleting(self.label):
            azure.dns.record_sets.delete(self.group, self.zone, self.name, kind)


def _values(properties: Json, record: str) -> list[str]:
    match record:
        case "CNAME":
            alias = str((properties.get("CNAMERecord") or {}).get("cname", "")).rstrip(".").lower()
            return [alias] if alias else []
        case "A":
            return sorted(str(row["ipv4Address"]) for row in properties.get("ARecords") or [])
        case _:
            return ["".join(row["value"]) for row in properties.get("TXTRecords") or []]


def _wire(values: list[str], record: str) -> Json:
    match record:
        case "CNAME":
            return {"CNAMERecord": {"cname": values[-1]}}
        case "A":
            return {"ARecords": [{"ipv4Address": value} for value in values]}
        case _:
            return {"TXTRecords": [{"value": [value]} for value in values]}
