"""Asks the name servers that are responsible, never a cache: from the root down to whoever holds the zone.

On the local cloud the walk starts, and ends, at its own server. https://www.rfc-editor.org/rfc/rfc1034#section-5.3.3
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

from chatops.domain.seen import PROPER, Answer, Zone

if TYPE_CHECKING:
    from dns.message import Message
    from dns.name import Name

SECONDS = 3.0
TRIES = 2
MOST_SERVERS = 4
"""Name servers of one zone that are asked; most zones have two to four."""
DEEPEST = 6
"""Referrals that are followed, and names of name servers looked up for it, before the walk gives up."""


@dataclass(frozen=True)
class Server:
    """A name server, and where it answers over UDP and TCP."""

    name: str
    address: str
    port: int = 53


ROOTS = tuple(
    Server(f"{letter}.root-servers.net", address)
    for letter, address in (
        ("a", "198.41.0.4"),
        ("k", "193.0.14.129"),
        ("l", "199.7.83.42"),
    )
)
"""Three of the thirteen: https://www.iana.org/domains/root/servers"""


@dataclass(frozen=True)
class _Cut:
    """How far the walk came: a zone, who serves it, and who delegated it."""

    name: str
    delegated: tuple[str, ...]
    servers: tuple[Server, ...]
    parents: tuple[Server, ...]


class Authority:
    """The servers that hold names. What it learns about who holds what it keeps; answers it asks for each time."""

    def __init__(self, start: Sequence[Server] = ROOTS, port: int = 53, seconds: float = SECONDS) -> None:
        self._start = _Cut("", (), tuple(start), ())
        self._port = port
        self._seconds = seconds
        self._lock = RLock()
        self._cuts: dict[str, _Cut] = {}

    def zone(self, host: str) -> Zone:
        """Walk to the zone that `host` lies in."""
        cut = self._cut(host)
        apex, status = self._apex(cut, host)
        return Zone(apex, cut.delegated, tuple(server.name for server in cut.servers), status)

    def ask(self, name: str, type: str) -> tuple[Answer, ...]:
        """Ask every server of the zone that `name` lies in; one answer from each, in the servers' order."""
        return self._ask(name, type, 0)

    def _ask(self, name: str, type: str, depth: int) -> tuple[Answer, ...]:
        servers = self._cut(name, depth).servers
        if not servers:
            return ()
        with ThreadPoolExecutor(len(servers), thread_name_prefix="dns") as pool:
            return tuple(pool.map(lambda server: self._answer(server, name, type), servers))

    def chain_of_trust(self, zone: str) -> str | None:
        """Return why a resolver that checks DNSSEC takes no answer from `zone`; None where it does."""
        from chatops.domain.dnssec import broken

        cut = self._cut(zone)
        ds = self._first(cut.parents or cut.servers, zone, "DS")
        keys = self._first(cut.servers, zone, "DNSKEY")
        soa = self._first(cut.servers, zone, "SOA")
        return broken(zone, ds, keys, soa)

    def _cut(self, name: str, depth: int = 0) -> _Cut:
        """`depth` counts the name servers whose own names had to be looked up first: they may not go in circles."""
        with self._lock:
            known = [cut for cut in self._cuts.values() if _inside(name, cut.name)]
        cut = max(known, key=lambda one: len(one.name), default=self._start)
        for _ in range(DEEPEST):
            reply = self._first(cut.servers, name, "SOA")
            deeper = reply and self._referral(reply, name, cut, depth)
            if not deeper:
                break
            cut = deeper
            with self._lock:
                self._cuts[cut.name] = cut
        return cut

    def _referral(self, reply: Message, name: str, above: _Cut, depth: int) -> _Cut | None:
        import dns.flags
        import dns.rdatatype

        if reply.flags & dns.flags.AA or reply.answer:
            return None
        for rrset in reply.authority:
            child = _text(rrset.name)
            if rrset.rdtype == dns.rdatatype.NS and _inside(name, child) and len(child) > len(above.name):
                names = tuple(sorted(_text(item.target) for item in rrset))
                return _Cut(child, names, tuple(self._located(names, reply, depth))[:MOST_SERVERS], above.servers)
        return None

    def _located(self, names: Sequence[str], reply: Message, depth: int) -> Iterator[Server]:
        import dns.rdatatype

        glue = {_text(rrset.name): rrset for rrset in reply.additional if rrset.rdtype == dns.rdatatype.A}
        for name in names:
            if name in glue:
                yield from (Server(name, item.address, self._port) for item in glue[name])
            elif depth < DEEPEST:
                found = (answer.values for answer in self._ask(name, "A", depth + 1) if answer.values)
                yield from (Server(name, address, self._port) for address in next(found, ()))

    def _apex(self, cut: _Cut, host: str) -> tuple[str, str]:
        """Return the name of the zone, and how its servers answer for `host`: NOERROR, NXDOMAIN or why they do not."""
        import dns.rdatatype

        status, last = "", cut.name
        for name in _upwards(host, cut.name):
            reply = self._first(cut.servers, name, "SOA")
            if reply is None or _status(reply) not in PROPER:
                status = status or (_status(reply) if reply else "SILENT")
                break
            status = status or _status(reply)
            for rrset in (*reply.answer, *reply.authority):
                if rrset.rdtype == dns.rdatatype.SOA and _inside(host, _text(rrset.name)):
                    return _text(rrset.name), status
            last = name
        return last, status or "SILENT"

    def _first(self, servers: Sequence[Server], name: str, type: str) -> Message | None:
        """Return the first proper reply (that a name is there, or that it is not), or else any that came at all."""
        last, pool = None, ThreadPoolExecutor(max(len(servers), 1), thread_name_prefix="dns")
        asked = [pool.submit(self._reply, server, name, type) for server in servers]
        # whoever is slow is not waited for
        pool.shutdown(wait=False)
        for done in as_completed(asked):
            reply = done.result()
            if reply is not None and _status(reply) in PROPER:
                return reply
            last = reply or last
        return last

    def _answer(self, server: Server, name: str, type: str) -> Answer:
        import dns.rdatatype

        reply = self._reply(server, name, type)
        if reply is None:
            return Answer(server.name, "SILENT")
        aliases = tuple(_text(i.target) for rrset in reply.answer if rrset.rdtype == dns.rdatatype.CNAME for i in rrset)
        wanted = dns.rdatatype.from_text(type)
        values = [value_of(item) for rrset in reply.answer if rrset.rdtype == wanted for item in rrset]
        return Answer(server.name, _status(reply), tuple(sorted(values)), aliases)

    def _reply(self, server: Server, name: str, type: str) -> Message | None:
        import dns.exception
        import dns.flags
        import dns.message
        import dns.query

        question = dns.message.make_query(name, type, want_dnssec=type in ("DNSKEY", "SOA"))
        question.flags &= ~dns.flags.RD
        for _ in range(TRIES):
            try:
                reply, _ = dns.query.udp_with_fallback(question, server.address, self._seconds, server.port)
            except (dns.exception.DNSException, OSError, EOFError):
                continue
            return reply
        return None


def _inside(name: str, zone: str) -> bool:
    return not zone or name == zone or name.endswith(f".{zone}")


def _upwards(name: str, top: str) -> Iterator[str]:
    """Yield `name` and what it lies in, up to `top`."""
    while name and _inside(name, top):
        yield name
        name = name.partition(".")[2]


def _text(name: Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _status(reply: Message) -> str:
    import dns.rcode

    return dns.rcode.to_text(reply.rcode())


def value_of(item: object) -> str:
    """Return a record's data as people write it: names without a final dot, TXT in one piece and without quotes."""
    strings = getattr(item, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("utf-8", "replace")
    return str(item).rstrip(".").lower()
