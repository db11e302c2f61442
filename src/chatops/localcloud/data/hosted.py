"""The names of this world: its public DNS zones, the platform's own names, and domains whose registrar is elsewhere.

The name server answers as if a resolver had come down from the root: a zone that lies inside another one of this world
is found through the other's NS records, or not at all. A domain that the operator has delegated elsewhere is answered
from a zone file, read for each answer, or by the name server that the operator named; a zone of that name in this world
is then as dead as on Azure without the delegation.
"""

from __future__ import annotations

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.zone

from ..resource_types import ENVIRONMENT, PUBLIC_ZONE
from ..store import Record
from ..world import World
from .records import RECORD_TYPES, rdataset
from .zone import Name, Nodes, Zone, answer

ADDRESS = "127.0.0.1"
PATIENCE = 4.0  # seconds that a server elsewhere has for one answer
PLATFORM_TTL = 60
SERVERS = tuple(f"azure-dns.{top}" for top in ("com", "net", "org", "info"))


def name_servers(number: int) -> list[str]:
    """Azure's four name servers of one set."""
    return [f"ns{place}-{number:02}.{domain}." for place, domain in enumerate(SERVERS, 1)]


class Names:
    """Answers for everything in this world. What lies in no zone of it is refused: nobody was told of such a domain."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, query: dns.message.Message) -> dns.message.Message:
        """The response to one question."""
        name = query.question[0].name
        place = self._delegated(name)
        if place is not None and not place[1].startswith("/"):
            return await _forward(query, place[1])
        zone = _from_file(*place) if place else self._platform(name) or self._outermost(name)
        if zone is None:
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.REFUSED)
            return response
        return answer(query, zone, self._by_origin)

    def _delegated(self, name: Name) -> tuple[Name, str] | None:
        """The closest domain above `name` that was delegated elsewhere, and where."""
        domains = self._world.conditions.now.delegations.items()
        above = [(origin, place) for text, place in domains if name.is_subdomain(origin := dns.name.from_text(text))]
        return max(above, key=lambda found: len(found[0]), default=None)

    def _outermost(self, name: Name) -> Zone | None:
        zones = [(dns.name.from_text(record.name), record) for record in self._zones()]
        above = [(origin, record) for origin, record in zones if name.is_subdomain(origin)]
        return self._stored(min(above, key=lambda found: len(found[0]))[1]) if above else None

    def _by_origin(self, origin: Name) -> Zone | None:
        place = self._delegated(origin)
        if place and place[0] == origin:
            return _from_file(*place) if place[1].startswith("/") else None
        found = next((record for record in self._zones() if dns.name.from_text(record.name) == origin), None)
        return self._stored(found) if found else None

    def _zones(self) -> list[Record]:
        """The public zones of this world, the oldest first: of two with one name it is the one that is delegated to."""
        return sorted(self._world.store.records(type=PUBLIC_ZONE), key=lambda record: str(record.hidden.get("made")))

    def _stored(self, record: Record) -> Zone:
        origin = dns.name.from_text(record.name)
        nodes: dict[Name, dict[int, dns.rdataset.Rdataset]] = {}
        for held in self._world.store.records(record.id):
            if (type := held.type.rsplit("/", 1)[1]) in RECORD_TYPES:
                node = nodes.setdefault(origin if held.name == "@" else dns.name.from_text(held.name, origin), {})
                if sets := rdataset(type, held.properties):
                    node[sets.rdtype] = sets
        return Zone(origin, nodes)

    def _platform(self, name: Name) -> Zone | None:
        """What Azure itself answers for: the environments' domains, and the names of its name servers."""
        homes = dict.fromkeys(SERVERS, ADDRESS)
        for found in self._world.store.records(type=ENVIRONMENT):
            homes[found.properties["defaultDomain"]] = found.properties.get("staticIp", ADDRESS)
        inside = (domain for domain in homes if name.is_subdomain(dns.name.from_text(domain)))
        return next((_wildcard(domain, homes[domain]) for domain in inside), None)


def _from_file(origin: Name, path: str) -> Zone:
    """The zone in a zone file. Raises OSError or DNSException when it cannot be read."""
    found = dns.zone.from_file(path, origin, relativize=False, check_origin=False)
    return Zone(origin, {name: {sets.rdtype: sets for sets in node.rdatasets} for name, node in found.nodes.items()})


def _wildcard(domain: str, address: str) -> Zone:
    origin = dns.name.from_text(domain)
    soa = f"ns1-01.azure-dns.com. azuredns-hostmaster.microsoft.com. 1 3600 300 2419200 {PLATFORM_TTL}"
    apex, every = _one("SOA", soa), _one("A", address)
    internal = dns.name.from_text("*.internal", origin)
    nodes: Nodes = {origin: {**apex, **every}, dns.name.from_text("*", origin): every, internal: every}
    return Zone(origin, nodes)


def _one(type: str, text: str) -> dict[int, dns.rdataset.Rdataset]:
    return {dns.rdatatype.from_text(type): dns.rdataset.from_text(dns.rdataclass.IN, type, PLATFORM_TTL, text)}


async def _forward(query: dns.message.Message, place: str) -> dns.message.Message:
    """What the server elsewhere says, word for word. Raises DNSException or OSError when it says nothing."""
    host, _, port = place.rpartition(":")
    response, _ = await dns.asyncquery.udp_with_fallback(query, host, PATIENCE, int(port))
    return response
