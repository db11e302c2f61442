"""What can be wrong with the record that leads people to the app: a CNAME, or an A record at a zone's own name.

Azure's managed certificates want it to lead straight to the app, with nothing in between.
https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates
"""

from __future__ import annotations

from functools import partial

from chatops.domain import proxies
from chatops.domain.finding import Finding, Wanted
from chatops.domain.records import Record, route
from chatops.domain.seen import Seen
from chatops.domain.zones import keeper

GENERATED = ("azurecontainerapps.io", "azurecontainerapps.us", "azurecontainerapps.cn")


def misrouted(seen: Seen, wanted: Wanted) -> Finding | None:
    """Tell what keeps the host from leading to the app."""
    if wanted.target is None or wanted.address is None:
        return None
    record = route(seen.host, seen.apex, wanted.target, wanted.address)
    found = _at_apex(seen, wanted, record) if seen.apex else _below(seen, wanted, record)
    return found or _shadowed(seen, wanted, record)


def _below(seen: Seen, wanted: Wanted, record: Record) -> Finding | None:
    aliases = seen.values(seen.host, "CNAME")
    if record.value in aliases:
        return _crowded(seen, record) or _behind(seen, record)
    behind = seen.without(seen.host, "CNAME", record.value)
    if behind and len(behind) < len(seen.answers.get((seen.host, "CNAME"), ())):
        return _behind(seen, record)
    if aliases:
        return _elsewhere(seen, wanted, record, aliases[0])
    return _addressed(seen, wanted, record) if _own(seen, "A") or _own(seen, "AAAA") else _missing(seen, record)


def _crowded(seen: Seen, record: Record) -> Finding | None:
    """Beside a CNAME nothing else may stand (RFC 1034, 3.6.2): what resolvers make of it is luck."""
    beside = {type: seen.values(seen.host, type) for type in ("A", "AAAA", "MX", "TXT") if _own(seen, type)}
    if not beside:
        return None
    gone = tuple(Record(seen.host, type, value) for type, values in beside.items() for value in values)
    found = f"{seen.host} has {' and '.join(beside)} records beside its CNAME; a CNAME must stand alone"
    return Finding("cname-beside-others", "route", found, keeper(seen), "remove the others", (record,), gone)


def _own(seen: Seen, type: str) -> bool:
    """The name itself has records of that type, not what its CNAME leads to."""
    said = seen.of(seen.host, type)
    return bool(said.values) and not said.aliases


def _behind(seen: Seen, record: Record) -> Finding | None:
    servers = seen.without(seen.host, record.type, record.value)
    if not servers:
        return None
    found = (
        f"{', '.join(servers)} does not have the right {record.type} of {seen.host} yet, others of {seen.zone.name} do"
    )
    do = "wait until all its servers agree; if it lasts, their zone transfers fail"
    return Finding("servers-disagree", "route", found, keeper(seen), do, (record,))


def _elsewhere(seen: Seen, wanted: Wanted, record: Record, alias: str) -> Finding | None:
    gone = (Record(seen.host, "CNAME", alias),)
    mend = partial(Finding, about="route", who=keeper(seen), records=(record,), remove=gone)
    if alias.removesuffix(f".{seen.zone.name}") == record.value:
        found = f"CNAME {seen.host} leads to {alias}: {seen.zone.name} was appended to its value"
        return mend("cname-value-doubled", found=found, do="end the value with a full stop")
    if alias in wanted.siblings:
        found = f"CNAME {seen.host} leads to {wanted.siblings[alias]} of this environment, not to {wanted.service}"
        return mend("cname-to-another-app", found=found, do="point it to the service's own name")
    if record.value in seen.chain:
        if not wanted.managed:
            return None
        found = f"CNAME {seen.host} leads to the app by way of {alias}; managed certificates want it direct"
        return mend("cname-chain", found=found, do="point it straight to the app")
    if proxy := next((owner for name in seen.chain if (owner := proxies.of_name(name))), None):
        return _proxied(seen, wanted, record, proxy, gone)
    if alias.endswith(tuple(f".{end}" for end in GENERATED)):
        found = f"CNAME {seen.host} leads to {alias}: an environment that is not this stack's, or no longer"
        return mend("cname-to-old-environment", found=found, do="point it to the new one")
    found = f"CNAME {seen.host} leads to {alias}"
    return mend("cname-elsewhere", found=found, do="point it to the app")


def _proxied(seen: Seen, wanted: Wanted, record: Record, proxy: str, gone: tuple[Record, ...]) -> Finding | None:
    if not wanted.managed:
        return None
    found = f"{proxy} stands in front of {seen.host}: Azure can't see it lead to the app, nor renew a certificate"
    switch = " (its switch is called 'DNS only')" if proxy == "Cloudflare" else ""
    do = f"let DNS lead straight to the app{switch}, or bring a certificate of your own"
    return Finding("proxy-in-front", "route", found, keeper(seen), do, (record,), gone)


def _addressed(seen: Seen, wanted: Wanted, record: Record) -> Finding | None:
    """Addresses where a CNAME belongs. A certificate of the operator's own does not mind, if they lead to the app."""
    addresses, who = seen.values(seen.host, "A"), keeper(seen)
    gone = _gone(seen, "A", "AAAA")
    if proxy := _proxy(addresses):
        return _proxied(seen, wanted, record, proxy, gone)
    if set(addresses) == {wanted.address}:
        if not wanted.managed:
            return None
        found = f"{seen.host} has an A record ({addresses[0]}); managed certificates of subdomains go by CNAME"
    else:
        found = f"{seen.host} has {gone[0].type} {', '.join(one.value for one in gone)} instead of a CNAME"
    return Finding("a-instead-of-cname", "route", found, who, "replace it", (record,), gone)


def _gone(seen: Seen, *types: str) -> tuple[Record, ...]:
    return tuple(Record(seen.host, type, value) for type in types for value in seen.values(seen.host, type))


def _proxy(addresses: tuple[str, ...]) -> str | None:
    owners = (proxies.of_address(address) for address in addresses)
    return next((owner for owner in owners if owner), None)


def _missing(seen: Seen, record: Record) -> Finding:
    doubled, who = f"{seen.host}.{seen.zone.name}", keeper(seen)
    for type in ("CNAME", "A"):
        if values := seen.values(doubled, type):
            found = f"{type} is at {doubled}: {seen.zone.name} was appended twice"
            gone = (Record(doubled, type, values[0]),)
            do = f"give it the name {record.relative(seen.zone.name)}"
            return Finding("route-at-doubled-name", "route", found, who, do, (record,), gone)
    return Finding("route-missing", "route", f"{record.type} {record.name} is missing", who, "add it", (record,))


def _at_apex(seen: Seen, wanted: Wanted, record: Record) -> Finding | None:
    who = keeper(seen)
    if aliases := seen.values(seen.host, "CNAME"):
        found = f"{seen.host} is its zone's own name and has a CNAME ({aliases[0]}); beside SOA and NS none may stand"
        gone = _gone(seen, "CNAME")
        return Finding("cname-at-apex", "route", found, who, "replace it by an A record", (record,), gone)
    addresses = seen.values(seen.host, "A")
    gone = tuple(Record(seen.host, "A", address) for address in addresses if address != record.value)
    if proxy := _proxy(addresses):
        return _proxied(seen, wanted, record, proxy, gone)
    if record.value not in addresses:
        if not addresses:
            return _missing(seen, record)
        found = f"A {seen.host} is {', '.join(addresses)}, not the environment's {record.value}"
        return Finding("a-elsewhere", "route", found, who, "replace it", (record,), gone)
    if gone:
        found = f"A {seen.host} has other addresses beside the environment's: {', '.join(one.value for one in gone)}"
        return Finding("a-beside-others", "route", found, who, "remove the others", (record,), gone)
    return _behind(seen, record)


def _shadowed(seen: Seen, wanted: Wanted, record: Record) -> Finding | None:
    """An AAAA record of the name's own: whoever has IPv6 goes there, and the certificate's issuer does as well."""
    if not _own(seen, "AAAA"):
        return None
    gone = tuple(Record(seen.host, "AAAA", value) for value in seen.values(seen.host, "AAAA"))
    found = f"AAAA {seen.host} is {gone[0].value}: whoever has IPv6 goes there, not to the app"
    return Finding(
        "aaaa-shadows", "route", found, keeper(seen), "remove it; environments have no IPv6", (record,), gone
    )


RULES = (misrouted,)
