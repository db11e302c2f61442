"""What the `domain` commands share: which host names there are, their resources, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chatops.azure.calls import calling
from chatops.cli.session import Session
from chatops.config.schema import Domain
from chatops.domain.doctor import diagnose
from chatops.domain.finding import Finding, Wanted
from chatops.domain.hostname import NotAHostName, host_name, spelled
from chatops.domain.issuing import WARN_DAYS
from chatops.domain.records import Record, proof, route
from chatops.domain.seen import Seen
from chatops.engine.plan import Action, Plan, plan_part
from chatops.errors import ChatopsError, UsageError
from chatops.naming import OWNER_TAG
from chatops.resources.host import APP_VERSION, Host, domain_of
from chatops.resources.registrar_record import now
from chatops.stack.hosting import STEPS, ground_of, host_of


@dataclass(frozen=True)
class Look:
    """One host name at this moment: what the servers answer, what Azure knows, what is wrong."""

    host: Host
    seen: Seen
    wanted: Wanted

    @property
    def finding(self) -> Finding | None:
        return diagnose(self.seen, self.wanted)

    @property
    def records(self) -> list[Record]:
        """The records that the name needs; none before its app is there. Where its zone ends is for DNS to say."""
        wanted = self.wanted
        if wanted.proof is None or wanted.target is None or wanted.address is None:
            return []
        apex = self.seen.apex if self.seen.zone.name else self.host.apex
        return [proof(self.host.name, wanted.proof), route(self.host.name, apex, wanted.target, wanted.address)]

    @property
    def rows(self) -> list[dict[str, str]]:
        """The records as registrars' forms take them, each with what the servers answer now."""
        zone = self.seen.zone.name
        return [
            {
                "type": record.type,
                "name": record.relative(zone) if zone else record.name,
                "value": record.value,
                "ttl": str(record.ttl),
                "now": now(self.seen, record.name, record.type),
                "line": record.line(),
            }
            for record in self.records
        ]

    @property
    def certificate(self) -> str:
        """Say whose it is and how it is."""
        if self.host.managed:
            state = self.wanted.certificate.state
            return "none" if state == "none" else f"managed, {state}"
        days, until = self.wanted.days_left, self.wanted.until
        return f"your own, until {until[:10]} ({days:.0f} days)" if until and days is not None else "none"


def name_of(text: str, managed: bool = False) -> str:
    """Return the host name in the form of DNS. Raises UsageError with the reason why it cannot be bound."""
    try:
        return host_name(text, managed)
    except NotAHostName as error:
        raise UsageError(error.refusal.found, error.refusal.do) from None


def names_of(session: Session, asked: str | None) -> list[str]:
    """Return the host that was asked for, or all of the file's. Raises UsageError when there is none."""
    if asked is not None:
        return [name_of(asked)]
    if not session.config.domain:
        raise UsageError("the YAML file has no domain", "chatops domain bind chat.example.org")
    return list(session.config.domain)


def with_name(session: Session, name: str) -> Session:
    """Return the session on a configuration that has `name`, if only with the defaults."""
    if name in session.config.domain:
        return session
    domains = {**session.config.domain, name: Domain()}
    return replace(session, config=session.config.model_copy(update={"domain": domains}))


def look_at(session: Session, name: str) -> Look:
    """Ask the name servers and Azure about one host name."""
    session = with_name(session, name)
    host = _host(session, name)
    wanted = host.wanted(session.azure)
    if wanted.target is not None:
        wanted = replace(wanted, taken_by=host.taken_by(session.azure))
    return Look(host, host.seen(session.azure), wanted)


def standing(session: Session, name: str) -> str:
    """Say in a line how a host name of the file is, by what Azure knows. The name servers are not asked."""
    domain, host = session.config.domain[name], _host(session, name)
    own = domain_of(session.azure.read(host.app_id, APP_VERSION), name)
    if (own or {}).get("bindingType", "Disabled") == "Disabled":
        return f"{spelled(name)} is not bound: chatops domain bind {name}"
    told = f"{session.azure.cloud.host_url(name)} leads to {domain.service}"
    wanted = host.wanted(session.azure)
    if wanted.days_left is None:
        return told
    told += f"; its certificate is good until {(wanted.until or '')[:10]}"
    renew = f"chatops domain bind {name} --certificate FILE"
    return told if wanted.days_left > WARN_DAYS else f"{told}, {wanted.days_left:.0f} days: {renew}"


def _host(session: Session, name: str) -> Host:
    ground = ground_of(session.config, session.azure.cloud.subscription)
    return host_of(ground, name, session.config.domain[name])


def addresses_of(session: Session, name: str) -> set[str]:
    """Return the addresses of all that is one host name's alone; its zone is, where no other name lies in it."""
    domains = session.config.domain
    zone = domains[name].zone
    alone = zone and not any(other.zone == zone for host, other in domains.items() if host != name)
    return {f"{step}/{name}" for step in STEPS} | ({f"zone/{zone}"} if alone else set())


def plan_for(session: Session, name: str) -> Plan:
    """Decide what makes one host name so; what it stands on is left as it is. Raises ChatopsError without an app."""
    domain = session.config.domain[name]
    part = addresses_of(session, name) | ({f"zone/{domain.zone}"} if domain.zone else set())
    # the environment itself fetches a certificate from a vault, with an identity that it may not have yet
    part |= {"environment"} if domain.in_vault else set()
    read = {*part, "group", "workspace", "environment", f"app/{domain.service}"}
    observed = session.observe([resource for resource in session.resources if resource.address in read])
    if f"app/{domain.service}" not in observed:
        raise ChatopsError(f"there is no container app '{domain.service}' for {name} to lead to", hint="chatops up")
    return plan_part(session.resources, observed, part)


def zone_around(session: Session, name: str) -> dict[str, str]:
    """Return the fields that name the zone of Azure DNS that the host lies in; none where there is no such zone."""
    with calling("listing", "DNS zones"):
        listed = session.azure.resources.resources.list(filter="resourceType eq 'Microsoft.Network/dnsZones'")
        zones = {str(zone.name): zone for zone in listed if f".{name}".endswith(f".{zone.name}")}
    if not zones:
        return {}
    zone = zones[max(zones, key=len)]
    if (zone.tags or {}).get(OWNER_TAG) == session.config.name:
        return {"zone": str(zone.name)}
    return {"zone": str(zone.name), "zone_resource_group": str(zone.id).split("/")[4]}


def moved(plan: Plan) -> Iterator[str]:
    """Say of each route that leads somewhere else by now where to, and who changes it."""
    for step in plan.work:
        if not step.address.startswith("route/") or step.observed is None:
            continue
        name = step.address.removeprefix("route/")
        if step.action is Action.UPDATE:
            yield f"{name} still leads to {step.changes[0].before}: its record is changed"
        elif step.observed.note:
            yield f"{name}: {step.observed.note}; only you can change it, where its zone is kept"


def records_of(session: Session, name: str) -> list[dict[str, str]]:
    """Return the records of a host name, for people to type. Raises ChatopsError while they are not known."""
    look = look_at(session, name)
    if not look.records:
        raise ChatopsError(f"the records of {name} are not known before its app is there", hint="chatops up")
    return look.rows
