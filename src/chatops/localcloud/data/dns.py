"""The name server: DNS over UDP and TCP on one loopback port (RFC 1035, 6891, 7766), whatever it is that answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

log = logging.getLogger(__name__)

IDLE = 10.0  # seconds that a TCP connection may stay without a question
LARGEST_UDP = 1232  # bytes that reach everybody in one piece: https://www.dnsflagday.net/2020
SMALLEST_UDP = 512
_HEADER = 12
_TRANSFERS = (dns.rdatatype.AXFR, dns.rdatatype.IXFR)

Answer = Callable[[dns.message.Message], Awaitable[dns.message.Message]]


class NameServer:
    """Serves what `answer` says; a query that it fails on is answered SERVFAIL."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self, stream: socket.socket, datagrams: socket.socket) -> None:
        """Listen on two sockets that are bound to the same port."""
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self.respond), sock=datagrams)
        self._tcp = await asyncio.start_server(self._connection, sock=stream)

    async def stop(self) -> None:
        if self._udp:
            self._udp.close()
        if self._tcp:
            self._tcp.close()
        for writer in list(self._open):
            writer.close()

    async def respond(self, wire: bytes, limit: int = 65535) -> bytes | None:
        """The response to one message; None when it is no question. UDP takes what the client has room for."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return _format_error(wire)
        if query.flags & dns.flags.QR:
            return None
        if limit < 65535:
            limit = min(max(query.payload, SMALLEST_UDP), limit)
        response = await self._checked(query)
        try:
            return response.to_wire(max_size=limit)
        except dns.exception.TooBig:
            cut = dns.message.make_response(query)
            cut.flags |= dns.flags.TC | (response.flags & dns.flags.AA)
            return cut.to_wire()

    async def _checked(self, query: dns.message.Message) -> dns.message.Message:
        refusal = _refusal(query)
        if refusal is None:
            try:
                return await self._answer(query)
            except (dns.exception.DNSException, OSError, ValueError) as failure:
                log.warning("no answer to %s: %s", query.question[0], failure)
                refusal = dns.rcode.SERVFAIL
        response = dns.message.make_response(query)
        response.set_rcode(refusal)
        return response

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                async with asyncio.timeout(IDLE):
                    size = int.from_bytes(await reader.readexactly(2))
                    wire = await reader.readexactly(size)
                response = await self.respond(wire)
                if response is None:
                    return
                writer.write(len(response).to_bytes(2) + response)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    """One task a question, so that a slow answer holds up no other."""

    def __init__(self, respond: Callable[[bytes, int], Awaitable[bytes | None]]) -> None:
        self._respond = respond
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        for task in self._tasks:
            task.cancel()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.create_task(self._reply(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, data: bytes, addr: tuple[str, int]) -> None:
        response = await self._respond(data, LARGEST_UDP)
        if response is not None and not self._transport.is_closing():
            with contextlib.suppress(OSError):
                self._transport.sendto(response, addr)


def _refusal(query: dns.message.Message) -> dns.rcode.Rcode | None:
    if query.opcode() != dns.opcode.QUERY:
        return dns.rcode.NOTIMP
    if len(query.question) != 1:
        return dns.rcode.FORMERR
    asked = query.question[0]
    if asked.rdclass != dns.rdataclass.IN or asked.rdtype in _TRANSFERS:
        return dns.rcode.REFUSED
    return None


def _format_error(wire: bytes) -> bytes | None:
    """FORMERR under the message's own id; nothing to what is shorter than a header or is a response itself."""
    if len(wire) < _HEADER or wire[2] & 0x80:
        return None
    return wire[:2] + bytes((0x80 | (wire[2] & 0x79), dns.rcode.FORMERR)) + bytes(8)
