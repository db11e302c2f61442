"""The records that a custom domain needs, in the forms in which registrars take them.

https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates
"""

from __future__ import annotations

from dataclasses import dataclass

TTL = 3600
"""Seconds."""


@dataclass(frozen=True)
class Record:
    """One DNS record. `name` is absolute, without a final dot."""

    name: str
    type: str
    value: str
    ttl: int = TTL

    def relative(self, zone: str) -> str:
        """Return the name as registrars' forms take it: `chat` in example.org, `@` for the zone itself."""
        return "@" if self.name == zone else self.name.removesuffix(f".{zone}")

    def line(self) -> str:
        """Return the record as a zone file holds it (RFC 1035)."""
        return f"{self.name}. {self.ttl} IN {self.type} {self._data()}"

    def _data(self) -> str:
        match self.type:
            case "TXT":
                return f'"{self.value}"'
            case "CNAME" | "NS":
                return f"{self.value}."
            case _:
                return self.value


def proof(host: str, verification_id: str) -> Record:
    """Return the TXT record that proves to Azure whose the host name is."""
    return Record(f"asuid.{host}", "TXT", verification_id)


def route(host: str, apex: bool, target: str, address: str) -> Record:
    """Return the record that leads people to the app: an A record where a CNAME may not stand, else a CNAME."""
    return Record(host, "A", address) if apex else Record(host, "CNAME", target)
