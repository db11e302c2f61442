"""What the authority behind managed certificates looks at before it issues: domain control, and CAA records.

On Azure it is DigiCert, so a CAA record has to name `digicert.com`; here the local authority signs instead.
https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import aiohttp

from ..runtime.spec import CHALLENGE
from ..store import Record
from ..world import World
from .domains import hosts
from .environments import apps_in

ISSUER = "digicert.com"
TXT_LABEL = "_dnsauth"
PATIENCE = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True)
class Problem:
    """Why a certificate is not issued now; `final`: waiting for DNS to change would not help."""

    text: str
    final: bool = False


async def problem(world: World, certificate: Record) -> Problem | None:
    """What stands between this managed certificate and its issue; None: nothing."""
    host = str(certificate.properties["subjectName"])
    environment = certificate.id.rsplit("/managedCertificates/", 1)[0]
    apps = [app for app in apps_in(world, environment) if host in hosts(app)]
    if not apps:
        return Problem(f"no container app of the environment has the custom domain '{host}' any more", final=True)
    if not any(_public(app) for app in apps):
        return Problem(f"The container app of '{host}' has no external ingress: nobody could reach it.")
    method = METHODS[str(certificate.properties["domainControlValidation"])]
    return await method(world, certificate, apps[0]) or await _forbidden(world, host)


def _public(app: Record) -> bool:
    return bool((app.properties["configuration"].get("ingress") or {}).get("external"))


async def _by_cname(world: World, certificate: Record, app: Record) -> Problem | None:
    """Azure wants the record to lead straight to the app: what lies in between blocks issue and renewal."""
    host = str(certificate.properties["subjectName"])
    wanted = str((app.properties["configuration"].get("ingress") or {}).get("fqdn", "")).lower()
    found = await world.resolver.alias(host)
    if found == wanted:
        return None
    has = f"points to '{found}'" if found else "was not found"
    return Problem(f"A CNAME record pointing from {host} to {wanted} is needed: the CNAME record {has}.")


async def _by_http(world: World, certificate: Record, app: Record) -> Problem | None:
    """The address must be the environment's, and what answers there must show the token."""
    host = str(certificate.properties["subjectName"])
    environment = world.store.find(str(app.properties["environmentId"]))
    address = str(environment.properties.get("staticIp")) if environment else ""
    found = await world.resolver.addresses(host)
    if address not in found:
        has = f"points to {', '.join(found)}" if found else "was not found"
        return Problem(f"An A record pointing from {host} to {address} is needed: the A record {has}.")
    token = str(certificate.hidden["challenge"])
    world.runtime.set_challenge(host, token)
    try:
        shown = await _fetch(world.runtime.ingress_url + CHALLENGE, host)
    finally:
        world.runtime.set_challenge(host, None)
    return None if shown == token else Problem(f"http://{host}{CHALLENGE} does not show the token of the validation.")


async def _fetch(url: str, host: str) -> str | None:
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as session,
            session.get(url, headers={"Host": host}, allow_redirects=False) as answer,
        ):
            return await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return None


async def _by_txt(world: World, certificate: Record, app: Record) -> Problem | None:
    host, token = str(certificate.properties["subjectName"]), str(certificate.properties["validationToken"])
    for name in (f"{TXT_LABEL}.{host}", host):
        if token in await world.resolver.texts(name):
            return None
    return Problem(f"A TXT record pointing from {TXT_LABEL}.{host} to {token} was not found.")


async def _forbidden(world: World, host: str) -> Problem | None:
    try:
        found = await world.resolver.authorities(host)
    except LookupError as failure:
        return Problem(f"The CAA records of {host} could not be read: {failure}.")
    issuers = [value.partition(";")[0].strip().lower() for tag, value in found if tag == "issue"]
    if not issuers or ISSUER in issuers:
        return None
    named = ", ".join(issuer or '";"' for issuer in issuers)
    return Problem(f'The CAA records of {host} allow {named} alone: 0 issue "{ISSUER}" is needed.', final=True)


METHODS: Mapping[str, Callable[[World, Record, Record], Awaitable[Problem | None]]] = {
    "CNAME": _by_cname,
    "HTTP": _by_http,
    "TXT": _by_txt,
}
