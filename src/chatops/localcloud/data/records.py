"""The record types of DNS zones: how Azure's JSON spells each, and the resource records that it stands for.

Names in Azure's JSON are absolute, with or without the last dot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.name
import dns.rdataclass
import dns.rdataset
import dns.rdatatype

from ..store import Body

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RecordType:
    """One type: the property that holds its rows (or its only row), and a row in the notation of zone files."""

    member: str
    text: Callable[[Row], str]
    single: bool = False

    def rows(self, properties: Body) -> list[Row]:
        found = properties.get(self.member)
        if self.single:
            return [found] if found else []
        return list(found or [])


def _quoted(text: object) -> str:
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _name(text: object) -> str:
    return dns.name.from_text(str(text)).to_text()


def _soa(row: Row) -> str:
    times = " ".join(str(row[name]) for name in ("serialNumber", "refreshTime", "retryTime", "expireTime"))
    return f"{_name(row['host'])} {_name(row['email'])} {times} {row['minimumTTL']}"


def _srv(row: Row) -> str:
    return f"{row['priority']} {row['weight']} {row['port']} {_name(row['target'])}"


RECORD_TYPES: Mapping[str, RecordType] = {
    "A": RecordType("ARecords", lambda row: str(row["ipv4Address"])),
    "AAAA": RecordType("AAAARecords", lambda row: str(row["ipv6Address"])),
    "CAA": RecordType("caaRecords", lambda row: f"{row['flags']} {row['tag']} {_quoted(row['value'])}"),
    "CNAME": RecordType("CNAMERecord", lambda row: _name(row["cname"]), single=True),
    "MX": RecordType("MXRecords", lambda row: f"{row['preference']} {_name(row['exchange'])}"),
    "NS": RecordType("NSRecords", lambda row: _name(row["nsdname"])),
    "PTR": RecordType("PTRRecords", lambda row: _name(row["ptrdname"])),
    "SOA": RecordType("SOARecord", _soa, single=True),
    "SRV": RecordType("SRVRecords", _srv),
    "TXT": RecordType("TXTRecords", lambda row: " ".join(_quoted(part) for part in row["value"])),
}


def rdataset(type: str, properties: Body) -> dns.rdataset.Rdataset:
    """What a record set of Azure's holds. Raises ValueError naming the row that is no record of this type."""
    kind = RECORD_TYPES[type]
    found = dns.rdataset.Rdataset(dns.rdataclass.IN, dns.rdatatype.from_text(type))
    found.update_ttl(int(properties["TTL"]))
    for row in kind.rows(properties):
        try:
            found.add(dns.rdata.from_text(dns.rdataclass.IN, found.rdtype, kind.text(row)))
        except (dns.exception.DNSException, KeyError, TypeError, ValueError) as failure:
            raise ValueError(", ".join(str(value) for value in row.values())) from failure
    return found
