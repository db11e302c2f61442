"""DNSSEC: does what the parent says about a zone's keys fit what the zone signs with? https://www.rfc-editor.org/rfc/rfc4035"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dns.message import Message
    from dns.rrset import RRset


def broken(zone: str, ds: Message | None, keys: Message | None, soa: Message | None) -> str | None:
    """Return what breaks the chain of trust into `zone`; None where it holds, or where the parent asks for none."""
    import dns.dnssec
    import dns.exception
    import dns.name

    anchors = _rrset(ds, zone, "DS")
    if anchors is None:
        return None
    held = _rrset(keys, zone, "DNSKEY")
    if keys is None or held is None:
        return f"the parent has a DS record for {zone}, but the zone is not signed"
    name = dns.name.from_text(zone)
    if not any(dns.dnssec.make_ds(name, key, anchor.digest_type) == anchor for key in held for anchor in anchors):
        return f"the DS record at the parent of {zone} belongs to none of the keys that the zone has"
    for reply, kind in ((keys, "DNSKEY"), (soa, "SOA")):
        signed, signatures = _rrset(reply, zone, kind), _rrset(reply, zone, "RRSIG")
        if signed is None or signatures is None:
            return f"{zone} has a DS record at its parent, but its {kind} records carry no signature"
        try:
            dns.dnssec.validate(signed, signatures, {name: held})
        except (dns.exception.DNSException, ValueError) as error:
            return _why(zone, max(signature.expiration for signature in signatures), str(error))
    return None


def _why(zone: str, expired: int, error: str) -> str:
    if expired < time.time():
        return f"the signatures of {zone} expired on {time.strftime('%Y-%m-%d', time.gmtime(expired))}"
    return f"the signatures of {zone} do not hold: {error.lower() or 'validation failed'}"


def _rrset(reply: Message | None, zone: str, kind: str) -> RRset | None:
    import dns.name
    import dns.rdatatype

    name, wanted = dns.name.from_text(zone), dns.rdatatype.from_text(kind)
    return next((r for r in (reply.answer if reply else ()) if r.name == name and r.rdtype == wanted), None)
