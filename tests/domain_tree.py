"""A small internet for custom domains: a root, .org, and two servers of example.org, each a real one on loopback."""

from __future__ import annotations

import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import dns.dnssec
import dns.name
import dns.node
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rrset import RRset
from nameserver import Nameserver, serving

from chatops.domain.authority import Authority, Server
from chatops.domain.finding import Certificate, Finding, Wanted

ZONE = "example.org"
PROOF = "6C1F8A0E9B7D4C5AA2E3F40516273849AABBCCDDEEFF00112233445566778899"
SUFFIX = "calmriver-1a2b3c4d.westeurope.azurecontainerapps.io"
APP, ADDRESS = f"ui.{SUFFIX}", "20.31.8.4"
HOUR = 3600
LONG_AGO = 1767225600


def fill(text: str) -> str:
    return text.replace("@PROOF@", PROOF).replace("@APP@", APP).replace("@IP@", ADDRESS)


def wanted_of(case: dict[str, Any], host: str) -> Wanted:
    facts: dict[str, Any] = {"proof": PROOF, "target": APP, "address": ADDRESS, "suffix": SUFFIX}
    facts |= {"siblings": {f"db-api.{SUFFIX}": "db-api"}, "certificate": Certificate(**case.get("certificate", {}))}
    facts |= {key: tuple(v) if isinstance(v, list) else v for key, v in case.get("wanted", {}).items()}
    return Wanted(host, "ui", **facts)


class Tree:
    """The servers of one case, running while it is entered."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.host = case.get("host", f"chat.{ZONE}")
        self._text = fill(case.get("zone", ""))
        self.root, self.org = Nameserver("127.0.0.1", name="a.root"), Nameserver("127.0.0.2", name="ns.nic.org")
        self.first, self.second = Nameserver("127.0.0.3", name="ns1.host.org"), Nameserver("127.0.0.4")
        self.first.silent = self.second.silent = case.get("silent", False)
        two = "second" in case
        self.root.load(".", "org. NS ns.nic.org.\nns.nic.org. A 127.0.0.2\n")
        self.org.load("org", "".join(_delegation(two)))
        if not case.get("nowhere"):
            self.first.load(ZONE, self._text)
        if two:
            self.second.load(ZONE, fill(case["second"]))
        if how := case.get("dnssec"):
            self._sign(how)
        self._stack = ExitStack()

    def __enter__(self) -> Tree:
        self._stack.enter_context(serving(self.root, self.org, self.first, self.second))
        self.authority = Authority(
            [Server("a.root", "127.0.0.1", self.root.port)], self.root.port, seconds=self._seconds
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def _seconds(self) -> float:
        """A server that is known to be deaf is not listened to for long."""
        return 2.0 if self.first.silent else 60.0

    def mend(self, finding: Finding) -> None:
        """Do in the zone file what the finding says."""
        gone = {(record.name, record.type, record.value) for record in finding.remove}
        origin = dns.name.from_text(ZONE)
        kept = [line for line in _lines(self.first.zones[origin]) if line not in gone]
        wanted = [(record.name, record.type, record.value) for record in finding.records]
        text = "".join(f"{n}. {t} {_data(t, v)}\n" for n, t, v in dict.fromkeys([*kept, *wanted]))
        self.first.load(ZONE, text)

    def _sign(self, how: str) -> None:
        name, key = dns.name.from_text(ZONE), ec.generate_private_key(ec.SECP256R1())
        public = dns.dnssec.make_dnskey(key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
        anchor = public
        if how == "another-key":
            other = ec.generate_private_key(ec.SECP256R1())
            anchor = dns.dnssec.make_dnskey(other.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
        ds = dns.dnssec.make_ds(name, anchor, "SHA256")
        self.org.load("org", "".join(_delegation(False)) + f"example DS {ds.to_text()}\n")
        if how == "unsigned":
            return
        begin, end = (LONG_AGO - HOUR, LONG_AGO) if how == "expired" else (time.time() - HOUR, time.time() + HOUR)
        zone = _zone_of(self.first.zones[name], name)
        with zone.writer() as txn:
            dns.dnssec.sign_zone(
                zone, txn, keys=[(key, public)], add_dnskey=True, dnskey_ttl=60, inception=begin, expiration=end
            )
        self.first.zones[name] = [
            rrset for owner, node in zone.items() for rrset in _rrsets(owner.derelativize(name), node)
        ]


def _delegation(two: bool) -> list[str]:
    names = ["ns1.host.org. 127.0.0.3", "ns2.host.org. 127.0.0.4"][: 2 if two else 1]
    pairs = [name.split() for name in names]
    return [f"example NS {name}\n{name} A {address}\n" for name, address in pairs] + ["ns.nic A 127.0.0.2\n"]


def _zone_of(rrsets: list[RRset], name: dns.name.Name) -> dns.zone.Zone:
    return dns.zone.from_text("\n".join(rrset.to_text() for rrset in rrsets), name, relativize=False)


def _rrsets(owner: dns.name.Name, node: dns.node.Node) -> list[RRset]:
    found = []
    for rdataset in node:
        rrset = RRset(owner, rdataset.rdclass, rdataset.rdtype, rdataset.covers)
        rrset.update(rdataset)
        found.append(rrset)
    return found


def _lines(rrsets: list[RRset]) -> list[tuple[str, str, str]]:
    from chatops.domain.authority import value_of

    return [
        (rrset.name.to_text(omit_final_dot=True), str(dns.rdatatype.to_text(rrset.rdtype)), value_of(item))
        for rrset in rrsets
        for item in rrset
        if dns.rdatatype.to_text(rrset.rdtype) not in ("SOA", "NS")
    ]


def _data(type: str, value: str) -> str:
    match type:
        case "TXT":
            escaped = value.replace('"', '\\"')
            return f'"{escaped}"'
        case "CNAME" | "NS":
            return f"{value}."
        case _:
            return value
