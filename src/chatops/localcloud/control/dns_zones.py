"""Microsoft.Network public DNS: zones with their name servers, and record sets that the name server really serves.

https://learn.microsoft.com/rest/api/dns/zones and https://learn.microsoft.com/rest/api/dns/record-sets
"""

from __future__ import annotations

import re
import uuid

from .. import clock
from ..data.hosted import name_servers
from ..data.records import RECORD_TYPES, rdataset
from ..errors import ArmError, parent_missing
from ..ids import Id
from ..resource_types import PUBLIC_ZONE
from ..store import Body, Record
from ..world import World
from .kind import Call, Change, Kind, NameRule, States, read_only

LABEL = r"[A-Za-z0-9_]([\w-]{0,61}[A-Za-z0-9_])?"
RELATIVE = re.compile(rf"@|(\*|{LABEL})(\.{LABEL})*", re.ASCII)
LONGEST_NAME = 253
LONGEST_TTL = 2**31 - 1
MOST_ROWS = 20
SOA = {
    "email": "azuredns-hostmaster.microsoft.com",
    "expireTime": 2419200,
    "minimumTTL": 300,
    "refreshTime": 3600,
    "retryTime": 300,
    "serialNumber": 1,
}
SOA_TTL, NS_TTL = 3600, 172800


def _refuse(message: str, status: int = 400, code: str = "BadRequest") -> ArmError:
    return ArmError(status, code, message, flat=True)


def _etag() -> str:
    return f"00000002-0000-0000-{str(uuid.uuid4())[-17:]}"


def _record_sets(world: World, zone: str) -> list[Record]:
    return [record for record in world.store.records(zone) if record.type.startswith(f"{PUBLIC_ZONE}/")]


def _at(world: World, zone: str, name: str) -> list[Record]:
    return [record for record in _record_sets(world, zone) if record.name.lower() == name.lower()]


def _fill_zone(change: Change) -> None:
    body, hidden = change.record.body, change.record.hidden
    body["etag"] = _etag()
    change.properties["zoneType"] = "Public"
    hidden.setdefault("made", clock.iso())
    if "nameServers" not in change.properties:
        same = [
            zone for zone in change.world.store.records(type=PUBLIC_ZONE) if zone.name.lower() == change.id.name.lower()
        ]
        change.properties["nameServers"] = name_servers(len(same) + 1)


async def _apply_zone(world: World, zone: Record, private: Body) -> None:
    """A new zone comes with its SOA and NS record sets."""
    if _at(world, zone.id, "@"):
        return
    servers = zone.properties["nameServers"]
    with world.store.together():
        world.store.save(_apex(zone, "SOA", {"TTL": SOA_TTL, "SOARecord": {"host": servers[0], **SOA}}))
        rows = [{"nsdname": server} for server in servers]
        world.store.save(_apex(zone, "NS", {"TTL": NS_TTL, "NSRecords": rows}))


def _apex(zone: Record, type: str, properties: Body) -> Record:
    id = f"{zone.id}/{type}/@"
    computed = {"fqdn": f"{zone.name}.", "provisioningState": "Succeeded", "targetResource": {}}
    body = {
        "id": id,
        "name": "@",
        "type": f"{PUBLIC_ZONE}/{type}",
        "etag": _etag(),
        "properties": {**properties, **computed},
    }
    return Record(id, f"{PUBLIC_ZONE}/{type}", body)


def _show_zone(world: World, zone: Record) -> Body:
    counts = {"maxNumberOfRecordSets": 10000, "numberOfRecordSets": len(_record_sets(world, zone.id))}
    return {**zone.body, "properties": {**counts, **zone.properties}}


def _check_record(change: Change) -> None:
    type, name = change.kind.type.rsplit("/", 1)[1], change.record.name
    zone = (change.id.parent or "").rsplit("/", 1)[-1]
    _spell(change.properties, type)
    if not RELATIVE.fullmatch(name) or len(name) + len(zone) + 1 > LONGEST_NAME:
        raise _refuse(f"The domain name '{name}.{zone}' is invalid.")
    if type == "SOA" and name != "@":
        raise _refuse("The SOA record set is made with its zone and exists at the zone apex '@' alone.")
    if (change.properties.get("targetResource") or {}).get("id"):
        raise _refuse("Alias record sets, which follow another Azure resource, are not in the local cloud.")
    _check_values(change, type)
    _check_alone(change, type)
    if name == "@" and type == "NS":
        _check_servers(change)


def _spell(properties: Body, type: str) -> None:
    """Property names without case: `aRecords` and `ttl` are taken as well."""
    for right in ("TTL", RECORD_TYPES[type].member):
        for name in [name for name in properties if name.lower() == right.lower()]:
            properties[right] = properties.pop(name)


def _check_values(change: Change, type: str) -> None:
    properties = change.properties
    ttl = properties.get("TTL")
    if not isinstance(ttl, int) or not 1 <= ttl <= LONGEST_TTL:
        raise _refuse(f"The TTL value '{ttl}' is invalid: a number of seconds from 1 to {LONGEST_TTL} is needed.")
    rows = RECORD_TYPES[type].rows(properties)
    if len(rows) > MOST_ROWS:
        raise _refuse(f"The record set has {len(rows)} records: at most {MOST_ROWS} are possible.")
    if type == "SOA":
        before = change.previous.properties["SOARecord"] if change.previous else {}
        properties["SOARecord"] = {**before, **properties.get("SOARecord", {}), "host": before.get("host", "")}
    try:
        rdataset(type, properties)
    except ValueError as failure:
        what = {"A": "IPv4 address", "AAAA": "IPv6 address", "CNAME": "domain name"}.get(type, f"{type} record")
        raise _refuse(f"The {what} '{failure}' is invalid.") from failure


def _check_alone(change: Change, type: str) -> None:
    """A name with a CNAME has no other records: RFC 1034 §3.6.2."""
    beside = _at(change.world, change.id.parent or "", change.record.name)
    others = {other.type.rsplit("/", 1)[1] for other in beside if other.key != change.record.key}
    tail = "with the same name already exists in this zone."
    if type == "CNAME" and others:
        raise _refuse(f"The CNAME record could not be created because another record {tail}", 409, "Conflict")
    if "CNAME" in others:
        raise _refuse(f"The record could not be created because a CNAME record {tail}", 409, "Conflict")


def _check_servers(change: Change) -> None:
    zone = change.world.store.find(change.id.parent or "")
    kept = {str(row.get("nsdname", "")).rstrip(".").lower() for row in change.properties.get("NSRecords") or []}
    if zone and not {server.rstrip(".") for server in zone.properties["nameServers"]} <= kept:
        raise _refuse("The zone's own name servers cannot be removed from the NS record set at the zone apex.")


def _fill_record(change: Change) -> None:
    zone, properties = (change.id.parent or "").rsplit("/", 1)[-1], change.properties
    change.record.body["etag"] = _etag()
    properties["fqdn"] = f"{zone}." if change.record.name == "@" else f"{change.record.name}.{zone}."
    properties.setdefault("targetResource", {})


def _deletable(world: World, record: Record) -> None:
    type = record.type.rsplit("/", 1)[1]
    if record.name == "@" and type in ("SOA", "NS"):
        raise _refuse(f"The {type} record set at the zone apex cannot be deleted.")


def _missing(id: Id) -> ArmError:
    text = f"The resource record '{id.name}' does not exist in resource group '{id.group}' of subscription "
    return _refuse(f"{text}'{id.subscription}'.", 404, "NotFound")


def _orphan(zone: Id) -> ArmError:
    return parent_missing(zone.name)


def _precondition(id: Id) -> ArmError:
    text = f"The condition in the If-Match or If-None-Match header was not satisfied for '{id.name}'."
    return _refuse(text, 412, "PreconditionFailed")


def _every(call: Call) -> list[Body]:
    """All record sets of a zone, those whose names end as `$recordsetnamesuffix` says."""
    suffix = call.query.get("$recordsetnamesuffix", "").lower()
    records = _record_sets(call.world, call.id.text.rsplit("/", 1)[0])
    return [record.body for record in records if record.name.lower().endswith(suffix)]


KINDS = (
    Kind(
        PUBLIC_ZONE,
        name=NameRule(
            rf"(?a)(?=.{{1,{LONGEST_NAME}}}$)({LABEL}\.)+{LABEL}",
            "BadRequest",
            "The domain name '{name}' is invalid.",
        ),
        delete="dns.delete",
        states=States(member=None),
        location="global",
        etag=True,
        rank=72,
        kept=("nameServers",),
        fill=_fill_zone,
        apply=_apply_zone,
        show=_show_zone,
        precondition=_precondition,
    ),
    *(read_only(f"{PUBLIC_ZONE}/{every}", listing=_every) for every in ("ALL", "recordsets")),
    *(
        Kind(
            f"{PUBLIC_ZONE}/{type}",
            name=NameRule(r".+"),
            location=None,
            etag=True,
            rank=70,
            missing=_missing,
            precondition=_precondition,
            orphan=_orphan,
            check=_check_record,
            fill=_fill_record,
            deletable=_deletable,
        )
        for type in RECORD_TYPES
    ),
)
