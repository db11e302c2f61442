"""Microsoft.Network private DNS: zones, their links to virtual networks, and record sets.

https://learn.microsoft.com/rest/api/dns/privatedns/private-zones
"""

from __future__ import annotations

from ..errors import ArmError, parent_missing
from ..ids import Id
from ..resource_types import PRIVATE_ZONE
from ..store import Body, Record
from ..world import World
from .kind import Call, Change, Kind, NameRule, States, read_only

LINK = f"{PRIVATE_ZONE}/virtualNetworkLinks"
RECORD_TYPES = ("A", "AAAA", "CNAME", "MX", "PTR", "SRV", "TXT")
STATES = States(creating="Updating", updating="Updating")
SOA = {
    "email": "azureprivatedns-host.microsoft.com",
    "expireTime": 2419200,
    "host": "azureprivatedns.net",
    "minimumTtl": 10,
    "refreshTime": 3600,
    "retryTime": 300,
    "serialNumber": 1,
}


def links(world: World, zone: str) -> list[Record]:
    """The links of a zone to virtual networks."""
    return world.store.records(zone, LINK)


def _records(world: World, zone: str) -> list[Record]:
    return [record for record in world.store.records(zone) if record.type != LINK]


def _show_zone(world: World, record: Record) -> Body:
    counts = {
        "maxNumberOfRecordSets": 25000,
        "maxNumberOfVirtualNetworkLinks": 1000,
        "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
        "numberOfRecordSets": 1 + len(_records(world, record.id)),
        "numberOfVirtualNetworkLinks": len(links(world, record.id)),
        "numberOfVirtualNetworkLinksWithRegistration": 0,
    }
    return {**record.body, "properties": {**counts, **record.properties}}


def _deletable(world: World, record: Record) -> None:
    nested = links(world, record.id)
    if nested:
        text = "Cannot delete resource while nested resources exist. Some existing nested resource IDs include: "
        raise ArmError(409, "CannotDeleteResource", f"{text}'{', '.join(link.id for link in nested)}'.")


def _check_link(change: Change) -> None:
    network = str(change.properties.get("virtualNetwork", {}).get("id", ""))
    if change.world.store.find(network) is None:
        text = f"The virtual network '{network}' of the link '{change.id.name}' could not be found."
        raise ArmError(400, "BadRequest", text)
    zone = change.record.id.split("/")[-3]
    for other in change.world.store.records(type=LINK):
        same = str(other.properties["virtualNetwork"]["id"]).lower() == network.lower()
        if same and other.key != change.record.key and other.id.split("/")[-3].lower() == zone.lower():
            text = (
                f"A virtual network cannot be linked to multiple zones with overlapping namespaces: see '{other.id}'."
            )
            raise ArmError(409, "Conflict", text)


def _fill_link(change: Change) -> None:
    record = change.record
    record.body["name"] = record.body["name"].lower()
    record.id = record.body["id"] = f"{record.id.rsplit('/', 1)[0]}/{record.body['name']}"
    change.properties["virtualNetworkLinkState"] = "Completed"


def _fill_record(change: Change) -> None:
    zone, properties = change.id.parent or "", change.properties
    change.record.body["etag"] = change.record.body["etag"].removeprefix("W/")
    name = change.record.name
    properties["fqdn"] = f"{zone.rsplit('/', 1)[-1]}." if name == "@" else f"{name}.{zone.rsplit('/', 1)[-1]}."
    properties["isAutoRegistered"] = False


def _orphan(zone: Id) -> ArmError:
    return parent_missing(zone.name)


def _record_precondition(id: Id) -> ArmError:
    text = "The condition '*' in the If-None-Match header was not satisfied, or the etag of If-Match does not match."
    return ArmError(412, "PreconditionFailed", text, flat=True)


def _zone_precondition(id: Id) -> ArmError:
    text = f"The Zone {id.name} exists already and hence cannot be created again."
    return ArmError(412, "PreconditionFailed", text)


def _soa(zone: Record) -> Body:
    properties = {"fqdn": f"{zone.name}.", "ttl": 3600, "isAutoRegistered": False, "soaRecord": {**SOA}}
    return {"id": f"{zone.id}/SOA/@", "name": "@", "type": f"{PRIVATE_ZONE}/SOA", "properties": properties}


def _all_records(call: Call) -> list[Body]:
    zone = call.world.store.find(call.id.text.rsplit("/", 1)[0])
    return [_soa(zone), *(record.body for record in _records(call.world, zone.id))] if zone else []


def _read_soa(world: World, id: Id) -> Body | None:
    zone = world.store.find(id.parent or "")
    return _soa(zone) if zone else None


KINDS = (
    Kind(
        PRIVATE_ZONE,
        name=NameRule(
            r"(?=.{1,253}$)([A-Za-z0-9_]([\w-]{0,61}[A-Za-z0-9_])?\.)+[A-Za-z0-9_]([\w-]{0,61}[A-Za-z0-9_])?",
            "InvalidDomainName",
            "The private DNS zone name '{name}' is not a valid domain name with at least two labels.",
        ),
        put="privatedns.put",
        patch="privatedns.put",
        delete="privatedns.delete",
        states=STATES,
        location="global",
        etag=True,
        rank=72,
        show=_show_zone,
        precondition=_zone_precondition,
        late_precondition=True,
        deletable=_deletable,
    ),
    Kind(
        LINK,
        put="privatedns.put",
        patch="privatedns.put",
        delete="privatedns.delete",
        states=STATES,
        location="global",
        etag=True,
        rank=71,
        defaults={"registrationEnabled": False},
        late_precondition=True,
        check=_check_link,
        fill=_fill_link,
    ),
    read_only(f"{PRIVATE_ZONE}/SOA", read=_read_soa),
    read_only(f"{PRIVATE_ZONE}/ALL", listing=_all_records),
    *(
        Kind(
            f"{PRIVATE_ZONE}/{type}",
            name=NameRule(r"@|\*|[\w*.-]{1,253}"),
            put="sync",
            states=States(member=None),
            location=None,
            etag=True,
            rank=70,
            precondition=_record_precondition,
            orphan=_orphan,
            fill=_fill_record,
        )
        for type in RECORD_TYPES
    ),
)
