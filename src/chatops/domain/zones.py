"""What can be wrong with the zone as a whole: it does not exist, nobody serves it, others do, or nobody trusts it."""

from __future__ import annotations

from chatops.domain.finding import Finding, Wanted
from chatops.domain.records import Record
from chatops.domain.seen import Seen


def keeper(seen: Seen) -> str:
    """Say who can change the zone's records: whoever has the account where its name servers are."""
    servers = seen.zone.delegated or seen.zone.servers
    at = f" (at {servers[0]})" if servers else ""
    return f"you, where the records of {seen.zone.name} are kept{at}"


def registrar(zone: str) -> str:
    return f"you, at the registrar of {zone}"


def unregistered(seen: Seen, wanted: Wanted) -> Finding | None:
    """The walk ended above any domain: a top-level domain says that it knows nothing of it."""
    if seen.zone.status != "NXDOMAIN" or seen.zone.name.count("."):
        return None
    if seen.zone.name == "" or seen.host.count(".") > seen.zone.name.count("."):
        domain = ".".join(seen.host.split(".")[-2:])
        found = f"{domain} does not exist: the name servers of '{seen.zone.name or '.'}' know no such domain"
        return Finding("no-such-domain", "zone", found, registrar(domain), "register it, or check its spelling")
    return None


def unserved(seen: Seen, wanted: Wanted) -> Finding | None:
    """Nobody answers for the zone."""
    if seen.zone.status in ("NOERROR", "NXDOMAIN"):
        return None
    if seen.zone.status == "REFUSED" and not seen.zone.delegated:
        return _unheard_of(seen)
    where, names = seen.zone.name or seen.host, ", ".join(seen.zone.delegated or seen.zone.servers)
    if seen.zone.status == "SILENT":
        found = f"no name server of {where} answers" + (f" ({names})" if names else "")
        do = "check its name servers, and that UDP and TCP port 53 are open from here"
        return Finding("servers-silent", "zone", found, keeper(seen), do)
    found = f"the name servers that {where} is delegated to do not serve it: {names} say {seen.zone.status}"
    return Finding("servers-lame", "zone", found, registrar(where), "name the servers that really hold the zone")


def _unheard_of(seen: Seen) -> Finding:
    """The walk has not left its start: on the local cloud, whose one server holds all that there is."""
    domain = ".".join(seen.host.split(".")[-2:])
    found = f"{domain} does not exist: {', '.join(seen.zone.servers)} knows no such domain"
    do = f"name its zone in the YAML file, or say who serves it: chatops cloud start --dns {domain}=FILE"
    return Finding("no-such-domain", "zone", found, "you", do)


def undelegated(seen: Seen, wanted: Wanted) -> Finding | None:
    """The zone is in Azure DNS, but the world asks other servers."""
    ours = tuple(sorted(server.rstrip(".").lower() for server in wanted.zone_servers))
    theirs = seen.zone.delegated
    if not ours or not theirs or set(theirs) & set(ours):
        return None
    zone = wanted.zone or seen.zone.name
    found = f"{zone} lies in Azure DNS, but is delegated to {', '.join(theirs)}"
    records = tuple(Record(zone, "NS", server) for server in ours)
    return Finding("not-delegated", "zone", found, registrar(zone), "name Azure's servers instead", records)


def untrusted(seen: Seen, wanted: Wanted) -> Finding | None:
    """DNSSEC is asked for by the parent and does not hold: resolvers that check it, and authorities, see nothing."""
    if seen.untrusted is None:
        return None
    do = "remove the DS record, or give it the key that the zone is signed with"
    return Finding("dnssec-broken", "zone", seen.untrusted, registrar(seen.zone.name), do)


RULES = (unregistered, unserved, undelegated, untrusted)
