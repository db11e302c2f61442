"""Authoritative name servers on loopback: real messages over UDP and TCP, for zones that a test may edit meanwhile.

A `Nameserver` serves zone files as they stand, broken ones included; several of them on addresses of their own make a
tree that delegates, from a root down.
"""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zonefile
from dns.name import Name
from dns.rdatatype import RdataType

HEAD = "@ 60 SOA ns1 hostmaster 1 60 60 60 60\n@ 60 NS {server}\n"


@dataclass
class Nameserver:
    """One server and its zones: name -> the record sets that it holds, as they stand in the file."""

    address: str = "127.0.0.1"
    port: int = 0
    name: str = "ns1.test"
    zones: dict[Name, list[dns.rrset.RRset]] = field(default_factory=dict)
    silent: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)

    def load(self, zone: str, text: str) -> None:
        """Serve `zone` from now on; SOA and NS are added."""
        origin = dns.name.from_text(zone)
        head = HEAD.format(server=f"{self.name}.")
        found: dict[tuple[Name, RdataType], dns.rrset.RRset] = {}
        for line in (head + text).splitlines():
            # line by line: a whole file would be refused for what broken zones hold
            for one in dns.zonefile.read_rrsets(line, origin=origin, relativize=False, default_ttl=60, rdclass=None):
                found.setdefault((one.name, one.rdtype), one).update(one)
        self.zones[origin] = list(found.values())

    def drop(self, zone: str) -> None:
        self.zones.pop(dns.name.from_text(zone))

    def answer(self, wire: bytes) -> bytes | None:
        question = dns.message.from_wire(wire)
        (asked,) = question.question
        self.asked.append((asked.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(asked.rdtype)))
        if self.silent:
            return None
        reply = dns.message.make_response(question)
        self._fill(reply, asked.name, asked.rdtype)
        if question.flags & dns.flags.RD:
            reply.flags &= ~dns.flags.RA
        return reply.to_wire(max_size=65535)

    def _fill(self, reply: dns.message.Message, name: Name, type: RdataType) -> None:
        zone = max((z for z in self.zones if name.is_subdomain(z)), key=len, default=None)
        if zone is None:
            reply.set_rcode(dns.rcode.REFUSED)
            return
        sets = self.zones[zone]
        if cut := self._cut(sets, zone, name, type):
            reply.authority.append(cut)
            targets = {item.target for item in cut}
            reply.additional += [s for s in sets if s.name in targets and s.rdtype == dns.rdatatype.A]
            return
        reply.flags |= dns.flags.AA
        self._find(reply, sets, zone, name, type)
        if not reply.answer:
            reply.authority.append(next(s for s in sets if s.rdtype == dns.rdatatype.SOA))

    def _cut(self, sets: list[dns.rrset.RRset], zone: Name, name: Name, type: RdataType) -> dns.rrset.RRset | None:
        if type == dns.rdatatype.DS:
            name = name.parent()
        below = (s for s in sets if s.rdtype == dns.rdatatype.NS and s.name != zone)
        return next((s for s in below if name.is_subdomain(s.name)), None)

    def _find(
        self, reply: dns.message.Message, sets: list[dns.rrset.RRset], zone: Name, name: Name, type: RdataType
    ) -> None:
        for _ in range(8):
            here = self._at(sets, zone, name)
            if not here and not any(s.name.is_subdomain(name) for s in sets):
                if not reply.answer:
                    reply.set_rcode(dns.rcode.NXDOMAIN)
                return
            exact = [s for s in here if s.rdtype == type]
            reply.answer += exact + [s for s in here if exact and _covers(s, type)]
            alias = next((s for s in here if s.rdtype == dns.rdatatype.CNAME), None)
            if exact or alias is None:
                return
            reply.answer.append(alias)
            name = alias[0].target
            if not name.is_subdomain(zone):
                return

    def _at(self, sets: list[dns.rrset.RRset], zone: Name, name: Name) -> list[dns.rrset.RRset]:
        here = [s for s in sets if s.name == name]
        if here or name == zone or any(s.name.is_subdomain(name) for s in sets):
            return here
        star = dns.name.from_text("*", name.parent())
        covering = [s for s in sets if s.name == star]
        found = []
        for one in covering:
            made = dns.rrset.RRset(name, one.rdclass, one.rdtype, one.covers)
            made.update(one)
            found.append(made)
        return found


def _covers(rrset: dns.rrset.RRset, type: RdataType) -> bool:
    return rrset.rdtype == dns.rdatatype.RRSIG and rrset.covers == type


@contextmanager
def serving(*servers: Nameserver) -> Iterator[None]:
    """Run the servers, all on one port that is free on each of their addresses."""
    with ExitStack() as stack:
        running = _bind(servers)
        for one in running:
            thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(one.server_close)
            stack.callback(one.shutdown)
        yield


def _bind(servers: tuple[Nameserver, ...]) -> list[socketserver.BaseServer]:
    for _ in range(50):
        bound: list[socketserver.BaseServer] = []
        port = _free_port()
        try:
            for server in servers:
                bound.append(_Udp((server.address, port), _handler(server, over_tcp=False)))
                bound.append(_Tcp((server.address, port), _handler(server, over_tcp=True)))
                server.port = port
        except OSError:
            for one in bound:
                one.server_close()
            continue
        return bound
    raise OSError("no port is free on all of the addresses")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True
    max_packet_size = 4096


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _handler(server: Nameserver, over_tcp: bool) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                self._tcp() if over_tcp else self._udp()
            except (OSError, struct.error, dns.exception.DNSException):
                return

        def _udp(self) -> None:
            wire, sock = self.request
            if reply := server.answer(wire):
                sock.sendto(reply, self.client_address)

        def _tcp(self) -> None:
            (length,) = struct.unpack("!H", self.request.recv(2))
            if reply := server.answer(self.request.recv(length)):
                self.request.sendall(struct.pack("!H", len(reply)) + reply)

    return Handler
