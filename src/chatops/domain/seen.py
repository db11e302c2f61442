"""What the name servers answer about one host name, as plain data: what the doctor judges, and tests make up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PROPER = ("NOERROR", "NXDOMAIN")


@dataclass(frozen=True)
class Answer:
    """What one server says to one question. `status` is DNS's own word, or SILENT; `aliases` the CNAMEs on the way."""

    server: str
    status: str
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def proper(self) -> bool:
        return self.status in PROPER


@dataclass(frozen=True)
class Zone:
    """Where a host name lies. `delegated`: the name servers that the parent names; `servers`: those that were found.

    `status` is how they answer for the host: NOERROR, NXDOMAIN, or why there is no answer (REFUSED, SERVFAIL, SILENT).
    """

    name: str
    delegated: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    status: str = "NOERROR"


NOTHING = Answer("", "SILENT")


@dataclass(frozen=True)
class Seen:
    """All answers about `host`. `untrusted` says why resolvers that check DNSSEC refuse the zone; None: they don't."""

    host: str
    zone: Zone
    answers: Mapping[tuple[str, str], tuple[Answer, ...]] = field(default_factory=dict)
    untrusted: str | None = None

    @property
    def apex(self) -> bool:
        """The host is its zone's own name: no CNAME may stand there."""
        return self.zone.name == self.host

    @property
    def chain(self) -> tuple[str, ...]:
        """The names that the host's CNAME leads to, one after the other."""
        found: list[str] = []
        here = self.host
        while (onwards := self.values(here, "CNAME")) and onwards[0] not in found:
            here = onwards[0]
            found.append(here)
        return tuple(found)

    def of(self, name: str, type: str) -> Answer:
        """Return the answer of the first server that has one."""
        said = self.answers.get((name, type), ())
        return next((answer for answer in said if answer.proper), said[0] if said else NOTHING)

    def values(self, name: str, type: str) -> tuple[str, ...]:
        return self.of(name, type).values

    def without(self, name: str, type: str, value: str) -> tuple[str, ...]:
        """Return the servers that answer properly, but not with `value`; all of them where none has it."""
        said = [answer for answer in self.answers.get((name, type), ()) if answer.proper]
        return tuple(a.server for a in said if value not in (*a.values, *a.aliases[:1]))
