"""Looking a name up as the platform does: over the wire, at this world's name server, along CNAMEs between zones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
from dns.rdtypes.ANY.CAA import CAA
from dns.rdtypes.ANY.CNAME import CNAME
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A

R = TypeVar("R", bound=dns.rdata.Rdata)
CHAIN = 8  # CNAMEs that one look-up follows
PATIENCE = 10.0  # seconds for one answer, which may have to be fetched elsewhere


class Resolver:
    """Asks the name server on a loopback port. No answer, no such name and no such record are all: nothing there."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def texts(self, name: str) -> list[str]:
        """The strings of a name's TXT records, the parts of each joined."""
        return sorted(b"".join(row.strings).decode(errors="replace") for row in await self._follow(name, TXT))

    async def addresses(self, name: str) -> list[str]:
        """The IPv4 addresses that a name leads to."""
        return sorted(row.address for row in await self._follow(name, A))

    async def alias(self, name: str) -> str | None:
        """What a name's own CNAME record points to, in lower case without the last dot."""
        rows = await self._ask(dns.name.from_text(name), CNAME)
        return next((_plain(row.target) for row in rows if isinstance(row, CNAME)), None)

    async def authorities(self, name: str) -> list[tuple[str, str]]:
        """Tag and value of the CAA records that hold for a name: its own, else those of the next name above (RFC 8659).

        Raises LookupError when a server does not answer: then nobody may issue.
        """
        own = dns.name.from_text(name)
        while len(own) > 1:
            if rows := await self._follow(own.to_text(), CAA, strict=True):
                return [(row.tag.decode().lower(), row.value.decode()) for row in rows]
            own = own.parent()
        return []

    async def _follow(self, name: str, type: type[R], *, strict: bool = False) -> list[R]:
        """The records of a type, at the name or where its CNAMEs lead."""
        at = dns.name.from_text(name)
        for _ in range(CHAIN):
            rows = await self._ask(at, type, strict=strict)
            found = [row for row in rows if isinstance(row, type)]
            aliases = [row for row in rows if isinstance(row, CNAME)]
            if found or not aliases:
                return found
            at = aliases[-1].target
        return []

    async def _ask(
        self, name: dns.name.Name, type: type[dns.rdata.Rdata], *, strict: bool = False
    ) -> Sequence[dns.rdata.Rdata]:
        query = dns.message.make_query(name, dns.rdatatype.from_text(type.__name__), use_edns=0, payload=1232)
        try:
            response, _ = await dns.asyncquery.udp_with_fallback(query, "127.0.0.1", PATIENCE, self.port)
        except (dns.exception.DNSException, OSError) as failure:
            if strict:
                raise LookupError(f"{name} cannot be looked up: {failure}") from failure
            return []
        if strict and response.rcode() == dns.rcode.SERVFAIL:
            raise LookupError(f"the name servers of {name} do not answer")
        return [row for rrset in response.answer for row in rrset]


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
