"""What stands behind one line of `domain:`, in the order that Azure forces: records, host name, certificate, binding.

TXT proves whose the name is -> the host name on the app -> the certificate, once the route leads there -> the binding
https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatops import resources as kinds
from chatops.config.schema import Config, Domain
from chatops.engine.resource import Known, Resource
from chatops.naming import Names
from chatops.resources.host import Host
from chatops.stack.site import names_of

LONGEST_NAME = 60
STEPS = ("proof", "route", "hostname", "certificate", "binding")
"""Of each host name; its resources' addresses are `<step>/<host name>`."""


@dataclass(frozen=True)
class Ground:
    """What domains stand on: the stack's names, environment and identity. `seconds`: how long for others' records."""

    names: Names
    location: str
    tags: dict[str, str]
    environment_id: str
    identity_id: str
    seconds: float = 0.0


def ground_of(config: Config, subscription: str, seconds: float = 0.0) -> Ground:
    """Return what the stack's custom domains stand on."""
    names = names_of(config, subscription)
    environment = names.id(kinds.ManagedEnvironment.type, names.plain("env"))
    identity = names.id(kinds.ManagedIdentity.type, names.plain("identity"))
    return Ground(names, config.location, {**config.tags, **names.tags}, environment, identity, seconds)


def host_of(ground: Ground, name: str, domain: Domain) -> Host:
    """Return the host name with the ids of all that it has to do with."""
    kind = kinds.ManagedCertificate if domain.managed else kinds.OwnCertificate
    short = f"{'mc' if domain.managed else 'own'}-{name.replace('.', '-')}"[:LONGEST_NAME].rstrip("-")
    return Host(
        name=name,
        service=domain.service,
        app_id=ground.names.id(kinds.ContainerApp.type, domain.service),
        environment_id=ground.environment_id,
        certificate_id=f"{ground.environment_id}/{kind.type.rsplit('/', 1)[-1]}/{short}",
        managed=domain.managed,
        apex=domain.is_apex(name),
        zone=domain.zone,
        zone_id=_zone_id(ground, domain),
    )


def _zone_id(ground: Ground, domain: Domain) -> str | None:
    if domain.zone is None:
        return None
    group = domain.zone_resource_group or ground.names.group
    where = Names(ground.names.stack, ground.names.subscription, group)
    return where.id(kinds.PublicDnsZone.type, domain.zone)


def hosting(ground: Ground, domains: dict[str, Domain]) -> Iterator[Resource[Any]]:
    """Yield the resources of all custom domains. Zones that several lie in come once."""
    zones: set[str] = set()
    for name, domain in domains.items():
        host = host_of(ground, name, domain)
        if host.zone_id and host.zone_id not in zones:
            zones.add(host.zone_id)
            yield _zone(ground, host.zone_id, existing=domain.zone_resource_group is not None)
        yield from _records(ground, host)
        yield from _bound(ground, host, domain)


def _zone(ground: Ground, zone_id: str, existing: bool) -> Resource[Any]:
    inside = zone_id.lower().startswith(f"{ground.names.group_id.lower()}/")
    return kinds.PublicDnsZone(
        address=f"zone/{zone_id.rsplit('/', 1)[-1]}",
        id=zone_id,
        needs=("group",) if inside else (),
        parent="group" if inside else None,
        tags=ground.tags,
        existing=existing,
    )


def _records(ground: Ground, host: Host) -> Iterator[Resource[Any]]:
    app, home = f"app/{host.service}", "environment"
    if host.zone_id is None or host.zone is None:
        for about in ("proof", "route"):
            yield kinds.RegistrarRecord(
                address=f"{about}/{host.name}", host=host, about=about, seconds=ground.seconds, needs=(app,)
            )
        return

    def proven(known: Known) -> Any:
        return known(app, "properties.customDomainVerificationId")

    def led(known: Known) -> Any:
        if host.apex:
            return known(home, "properties.staticIp")
        return known(app, "properties.configuration.ingress.fqdn")

    inside = "@" if host.name == host.zone else host.name.removesuffix(f".{host.zone}")
    proof = "asuid" if inside == "@" else f"asuid.{inside}"
    for about, type, name, value in (
        ("proof", "TXT", proof, proven),
        ("route", "A" if host.apex else "CNAME", inside, led),
    ):
        yield kinds.DnsRecord(
            address=f"{about}/{host.name}",
            id=f"{host.zone_id}/{type}/{name}",
            parent=f"zone/{host.zone}",
            needs=(f"zone/{host.zone}", app, home),
            value=value,
            app_id=host.app_id,
            owner=ground.names.stack,
        )


def _bound(ground: Ground, host: Host, domain: Domain) -> Iterator[Resource[Any]]:
    app, name, certificate = f"app/{host.service}", f"hostname/{host.name}", f"certificate/{host.name}"
    yield kinds.HostName(address=name, host=host, parent=app, needs=(app, f"proof/{host.name}"))
    here: dict[str, Any] = {"location": ground.location, "tags": ground.tags, "parent": "environment"}
    if domain.managed:
        needs = ("environment", name, f"route/{host.name}")
        yield kinds.ManagedCertificate(address=certificate, id=host.certificate_id, needs=needs, host=host, **here)
    else:
        yield kinds.OwnCertificate(
            address=certificate,
            id=host.certificate_id,
            needs=("environment",),
            host=host,
            source=domain.certificate,
            identity_id=ground.identity_id,
            **here,
        )
    address, owner = f"binding/{host.name}", ground.names.stack
    yield kinds.Binding(address=address, host=host, owner=owner, parent=app, needs=(name, certificate))
