"""One DNS zone and what an authoritative server says of a name in it: RFC 1034 §4.3.2, wildcards as in RFC 4592."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset

Name = dns.name.Name
Sets = Mapping[int, dns.rdataset.Rdataset]
Nodes = Mapping[Name, Sets]

CHAIN = 8  # CNAMEs that one answer follows
_WILDCARD = dns.name.from_text("*", None)


@dataclass(frozen=True)
class Zone:
    """The record sets of one zone by absolute name."""

    origin: Name
    nodes: Nodes

    def cut(self, name: Name, type: int) -> Name | None:
        """Where, on the way from the apex down to `name`, the zone hands over to other name servers."""
        for depth in range(len(self.origin) + 1, len(name) + 1):
            below = name.split(depth)[1]
            if below == name and type == dns.rdatatype.DS:
                return None
            if dns.rdatatype.NS in self.nodes.get(below, {}):
                return below
        return None

    def find(self, name: Name) -> Sets | None:
        """The record sets of a name, a wildcard's among them; empty for a name that others lie below; None: no such."""
        if (own := self.nodes.get(name)) is not None:
            return own
        if self._has_below(name):
            return {}
        while name != self.origin:
            name = name.parent()
            if (sets := self.nodes.get(_WILDCARD + name)) is not None:
                return sets
            if name in self.nodes or self._has_below(name):
                return None
        return None

    def _has_below(self, name: Name) -> bool:
        return any(known != name and known.is_subdomain(name) for known in self.nodes)

    def rrset(self, name: Name, type: int) -> dns.rrset.RRset | None:
        """One record set under the name that was asked for, None when it is not there or empty."""
        found = (self.find(name) or {}).get(type)
        return _under(name, found) if found else None


def _under(name: Name, found: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, found.ttl, list(found))


def answer(query: dns.message.Message, zone: Zone, child: Callable[[Name], Zone | None]) -> dns.message.Message:
    """The response of a server that has `zone`; `child` gives a zone that it has as well, by its origin."""
    response = dns.message.make_response(query)
    asked = query.question[0]
    name, type = asked.name, asked.rdtype
    for _ in range(CHAIN):
        while (cut := zone.cut(name, type)) is not None:
            below = child(cut)
            if below is None:
                return _referral(response, zone, cut)
            zone = below
        response.flags |= dns.flags.AA
        target = _add(response, zone, name, type)
        if target is None or not target.is_subdomain(zone.origin):
            break
        name = target
    return response


def _add(response: dns.message.Message, zone: Zone, name: Name, type: int) -> Name | None:
    """Put what the zone has of `name` into the response; the CNAME to follow, if it has one."""
    sets = zone.find(name)
    wanted = [found for found in (sets or {}).values() if found and type in (found.rdtype, dns.rdatatype.ANY)]
    alias = (sets or {}).get(dns.rdatatype.CNAME)
    if wanted:
        response.answer += [_under(name, found) for found in wanted]
    elif alias:
        response.answer.append(_under(name, alias))
        target: Name = alias[0].target
        return target
    else:
        _deny(response, zone, known=sets is not None)
    return None


def _deny(response: dns.message.Message, zone: Zone, *, known: bool) -> None:
    """NODATA or NXDOMAIN, with the SOA whose minimum says how long that may be remembered (RFC 2308)."""
    if not known:
        response.set_rcode(dns.rcode.NXDOMAIN)
    soa = zone.nodes.get(zone.origin, {}).get(dns.rdatatype.SOA)
    if soa:
        lasting = _under(zone.origin, soa)
        lasting.ttl = min(soa.ttl, soa[0].minimum)
        response.authority.append(lasting)


def _referral(response: dns.message.Message, zone: Zone, cut: Name) -> dns.message.Message:
    servers = zone.nodes[cut][dns.rdatatype.NS]
    response.authority.append(_under(cut, servers))
    for server in servers:
        for type in (dns.rdatatype.A, dns.rdatatype.AAAA):
            if server.target.is_subdomain(zone.origin) and (glue := zone.rrset(server.target, type)):
                response.additional.append(glue)
    return response
