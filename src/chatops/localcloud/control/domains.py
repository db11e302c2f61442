"""Custom domains of container apps: proof of ownership, what a host name is bound to, and what DNS says of it.

The order is Azure's: a TXT record, the host name added to an app (Disabled), a certificate, the binding (SniEnabled, or
Auto: as soon as a managed certificate for the name is there). Records are asked of the name server, over the wire.
https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from ..bodies import without_nulls
from ..errors import ArmError
from ..resource_types import APP, ENVIRONMENT
from ..runtime.spec import CustomDomain
from ..store import Body, Record
from ..world import World
from .environments import apps_in, verification_id
from .kind import Call, Change, Endpoint

MANAGED = f"{ENVIRONMENT}/managedCertificates"
UPLOADED = f"{ENVIRONMENT}/certificates"
BINDINGS = ("Disabled", "SniEnabled", "Auto")
HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def domains(app: Record) -> list[Body]:
    """The custom domains of an app's ingress."""
    ingress = app.properties.get("configuration", {}).get("ingress") or {}
    return list(ingress.get("customDomains") or [])


def hosts(app: Record) -> set[str]:
    """The names of an app's custom domains."""
    return {str(domain.get("name", "")).lower() for domain in domains(app)}


def refuse(code: str, message: str) -> ArmError:
    """A write that Azure answers 400."""
    return ArmError(400, code, message)


async def ask_owners(call: Call) -> Body:
    """The TXT records that prove who owns the host names that this write adds to an app."""
    before = call.world.store.find(call.id.text)
    added = {host for host in _sent(call) if HOST.fullmatch(host)} - (hosts(before) if before else set())
    return {host: await call.world.resolver.texts(f"asuid.{host}") for host in sorted(added)}


def _sent(call: Call) -> set[str]:
    """The host names in a body whose shape nobody has looked at yet."""
    try:
        return hosts(Record(call.id.text, APP, without_nulls(call.body)))
    except (AttributeError, TypeError):
        return set()


def check_domains(change: Change) -> None:
    """Refuse names that are not names, not proven to be the operator's, taken, or bound to no fitting certificate."""
    before = hosts(change.previous) if change.previous else set()
    for domain in domains(change.record):
        host = str(domain.get("name", "")).lower()
        if not HOST.fullmatch(host):
            raise refuse("InvalidCustomHostName", f"The custom host name '{host}' is not a valid domain name.")
        if host not in before and verification_id(change.world) not in change.call.outside.get(host, ()):
            raise refuse("InvalidCustomHostNameValidation", _not_found(change.world, host))
        if (other := _taken(change.world, change.record, host)) is not None:
            text = f"Custom host name '{host}' is already used by '{other.id}'."
            raise refuse("InvalidCustomHostNameValidation", text)
        _check_binding(change, domain, host)


def _not_found(world: World, host: str) -> str:
    return f"A TXT record pointing from asuid.{host} to {verification_id(world)} was not found."


def _taken(world: World, app: Record, host: str) -> Record | None:
    others = world.store.records(type=APP)
    return next((other for other in others if other.key != app.key and host in hosts(other)), None)


def _check_binding(change: Change, domain: Body, host: str) -> None:
    binding, id = domain.get("bindingType", "Disabled"), str(domain.get("certificateId") or "")
    if binding not in BINDINGS:
        raise refuse("InvalidRequest", f"bindingType must be one of {', '.join(BINDINGS)}.")
    if binding == "Disabled" or (binding == "Auto" and not id):
        return
    found = change.world.store.find(id)
    if found is None or not found.key.startswith(str(change.properties["environmentId"]).lower() + "/"):
        raise refuse("CertificateNotFound", f"The certificate '{id}' was not found in the app's environment.")
    if found.properties["provisioningState"] != "Succeeded":
        raise refuse("CertificateNotReady", f"The certificate '{id}' has not been issued yet.")
    if not any(_covers(name, host) for name in _names(found)):
        raise refuse("CertificateMismatch", f"The certificate '{id}' is not for the host name '{host}'.")


def _names(certificate: Record) -> list[str]:
    properties = certificate.properties
    return [str(name).lower() for name in properties.get("subjectAlternativeNames") or [properties["subjectName"]]]


def _covers(name: str, host: str) -> bool:
    """Whether a certificate for `name` is good for `host`: the same, or a wildcard for its first label (RFC 6125)."""
    return name == host or (name.startswith("*.") and name[2:] == host.partition(".")[2])


def fill_domains(ingress: Body) -> None:
    """Names in lower case, the default binding, no nulls: as Azure echoes them."""
    if ingress.get("customDomains"):
        ingress["customDomains"] = [
            {"bindingType": "Disabled", **{key: value for key, value in domain.items() if value is not None}}
            | {"name": str(domain["name"]).lower()}
            for domain in ingress["customDomains"]
        ]


def serve_domains(world: World, app: Record) -> None:
    """Tell the ingress the host names of an app and the certificates that they are bound to now."""
    ingress = app.properties["configuration"].get("ingress") or {}
    https = not ingress.get("allowInsecure", False)
    served = [CustomDomain(domain["name"], _bound(world, app, domain), https) for domain in domains(app)]
    world.runtime.set_domains(app.key, tuple(served))


def serve_environment(world: World, environment: str) -> None:
    """The same for all apps of an environment, where a certificate has come or gone."""
    for app in apps_in(world, environment):
        serve_domains(world, app)


def _bound(world: World, app: Record, domain: Body) -> str | None:
    if domain["bindingType"] == "Disabled":
        return None
    if id := domain.get("certificateId"):
        return str(id).lower()
    managed = world.store.records(str(app.properties["environmentId"]), MANAGED)
    ready = [one for one in managed if "pem" in one.hidden and one.properties["subjectName"] == domain["name"]]
    return ready[0].key if ready else None


def deletable(world: World, certificate: Record) -> None:
    """A certificate that a domain is bound to stays."""
    bound = [str(one.get("certificateId")).lower() for app in world.store.records(type=APP) for one in domains(app)]
    if certificate.key in bound:
        raise refuse("CertificateInUse", f"Certificate '{certificate.name}' is used by existing custom domains.")


async def analyse(call: Call, app: Record) -> Body:
    """`listCustomHostNameAnalysis`: what DNS says of a name; bad DNS is no error."""
    host, world = call.query.get("customhostname", "").lower(), call.world
    if not HOST.fullmatch(host):
        raise refuse("InvalidCustomHostName", f"The custom host name '{host}' is not a valid domain name.")
    dns = world.resolver
    alias, proof_alias = await dns.alias(host), await dns.alias(f"asuid.{host}")
    proofs = await dns.texts(f"asuid.{host}")
    conflict, proven = _taken(world, app, host), verification_id(world) in proofs
    answer: Body = {
        "hostName": host,
        "isHostnameAlreadyVerified": host in hosts(app),
        "customDomainVerificationTest": "Passed" if proven else "Failed",
        "hasConflictOnManagedEnvironment": conflict is not None and _neighbours(conflict, app),
        "conflictWithEnvironmentCustomDomain": _below_suffix(world, app, host),
        "cNameRecords": [alias] if alias else [],
        "txtRecords": await dns.texts(host),
        "aRecords": await dns.addresses(host),
        "alternateCNameRecords": [proof_alias] if proof_alias else [],
        "alternateTxtRecords": proofs,
    }
    if conflict is not None:
        answer["conflictingContainerAppResourceId"] = conflict.id
    if not proven:
        why = {"code": "InvalidCustomHostNameValidation", "message": _not_found(world, host)}
        answer["customDomainVerificationFailureInfo"] = why
    return answer


def _neighbours(one: Record, other: Record) -> bool:
    return str(one.properties["environmentId"]).lower() == str(other.properties["environmentId"]).lower()


def _below_suffix(world: World, app: Record, host: str) -> bool:
    """Whether the name lies in the DNS suffix that the environment itself was given."""
    environment = world.store.find(str(app.properties["environmentId"]))
    suffix = environment.properties["customDomainConfiguration"].get("dnsSuffix") if environment else None
    return bool(suffix) and f".{host}".endswith(f".{str(suffix).lower()}")


async def _verification(call: Call, found: Mapping[str, str]) -> Response:
    return JSONResponse(verification_id(call.world))


_PROVIDER = "/subscriptions/{subscription}/providers/Microsoft.App"

ENDPOINTS = (Endpoint("POST", _PROVIDER + "/getCustomDomainVerificationId", _verification),)
