"""Custom domains of container apps: proof of ownership, managed certificates, and what a host name is bound to.

The order is Azure's: a TXT record, the host name added to an app (Disabled), a managed certificate, the binding
(SniEnabled). Records are looked up in the DNS zones of this world. A name that lies in none of them cannot be checked
here and is taken as proven. Certificates are rows, not keys: the local ingress serves plain HTTP.
https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from ..errors import ArmError
from ..store import Body, Record
from ..world import World
from .environments import APP, ENVIRONMENT, verification_id
from .kind import Call, Change, Endpoint, Kind, NameRule, States

CERTIFICATE = f"{ENVIRONMENT}/managedCertificates"
METHODS = ("CNAME", "HTTP", "TXT")
ZONES = ("microsoft.network/dnszones", "microsoft.network/privatednszones")
HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def domains(app: Record) -> list[Body]:
    """The custom domains of an app's ingress."""
    ingress = app.properties.get("configuration", {}).get("ingress") or {}
    return list(ingress.get("customDomains") or [])


def _bad(code: str, message: str) -> ArmError:
    return ArmError(400, code, message)


def check_domains(change: Change) -> None:
    """Refuse names that are not names, not proven to be the operator's, taken, or bound to no fitting certificate."""
    before = {str(domain["name"]).lower() for domain in domains(change.previous)} if change.previous else set()
    for domain in domains(change.record):
        host = str(domain.get("name", "")).lower()
        if not HOST.fullmatch(host):
            raise _bad("InvalidCustomHostName", f"The custom host name '{host}' is not a valid domain name.")
        if host not in before:
            _check_owner(change.world, host)
        if (other := _taken(change, host)) is not None:
            raise _bad("InvalidCustomHostNameValidation", f"Custom host name '{host}' is already used by '{other.id}'.")
        _check_binding(change, domain, host)


def _check_owner(world: World, host: str) -> None:
    wanted = verification_id(world)
    if _zone(world, host) is not None and wanted not in _values(world, f"asuid.{host}", "TXT"):
        text = f"A TXT record pointing from asuid.{host} to {wanted} was not found."
        raise _bad("InvalidCustomHostNameValidation", text)


def _taken(change: Change, host: str) -> Record | None:
    others = change.world.store.records(type=APP)
    return next((app for app in others if app.key != change.record.key and host in _names(app)), None)


def _names(app: Record) -> set[str]:
    return {str(domain.get("name", "")).lower() for domain in domains(app)}


def _check_binding(change: Change, domain: Body, host: str) -> None:
    if domain.get("bindingType", "Disabled") == "Disabled":
        return
    id = str(domain.get("certificateId", ""))
    found = change.world.store.find(id)
    if found is None or not found.key.startswith(str(change.properties["environmentId"]).lower() + "/"):
        raise _bad("CertificateNotFound", f"The certificate '{id}' was not found in the app's environment.")
    if found.properties["provisioningState"] != "Succeeded":
        raise _bad("CertificateNotReady", f"The certificate '{id}' has not been issued yet.")
    if found.properties["subjectName"] != host:
        raise _bad("CertificateMismatch", f"The certificate '{id}' is not for the host name '{host}'.")


def fill_domains(ingress: Body) -> None:
    """Names in lower case, the default binding, no nulls: as Azure echoes them."""
    if ingress.get("customDomains"):
        ingress["customDomains"] = [
            {"bindingType": "Disabled", **{key: value for key, value in domain.items() if value is not None}}
            | {"name": str(domain["name"]).lower()}
            for domain in ingress["customDomains"]
        ]


def _zone(world: World, host: str) -> Record | None:
    """The closest zone of this world that `host` lies in."""
    zones = [record for record in world.store.records() if record.type.lower() in ZONES]
    inside = [zone for zone in zones if f".{host}".endswith(f".{zone.name.lower()}")]
    return max(inside, key=lambda zone: len(zone.name), default=None)


def _values(world: World, name: str, type: str) -> set[str]:
    """What the record set of this name and type holds, over all zones."""
    types = {f"{zone}/{type.lower()}" for zone in ZONES}
    return {
        value
        for record in world.store.records()
        if record.type.lower() in types and str(record.properties.get("fqdn", "")).rstrip(".").lower() == name
        for value in _flat(record.properties, type)
    }


def _flat(properties: Body, type: str) -> Iterator[str]:
    if type == "CNAME":
        yield str(properties.get("cnameRecord", {}).get("cname", "")).rstrip(".").lower()
    elif type == "A":
        yield from (str(row.get("ipv4Address")) for row in properties.get("aRecords", []))
    else:
        yield from ("".join(row.get("value", [])) for row in properties.get("txtRecords", []))


async def analyse(call: Call, app: Record) -> Body:
    """`listCustomHostNameAnalysis`: what DNS says of a name; bad DNS is no error."""
    host = call.query.get("customhostname", "").lower()
    conflict = next((a for a in call.world.store.records(type=APP) if a.key != app.key and host in _names(a)), None)
    proofs = sorted(_values(call.world, f"asuid.{host}", "TXT"))
    known, proven = _zone(call.world, host) is not None, verification_id(call.world) in proofs
    answer: Body = {
        "isHostnameAlreadyVerified": host in _names(app),
        "customDomainVerificationTest": "Passed" if proven or not known else "Failed",
        "hasConflictOnManagedEnvironment": conflict is not None,
        "conflictWithEnvironmentCustomDomain": False,
        "cNameRecords": sorted(_values(call.world, host, "CNAME")),
        "txtRecords": sorted(_values(call.world, host, "TXT")),
        "aRecords": sorted(_values(call.world, host, "A")),
        "alternateTxtRecords": proofs,
    }
    if conflict is not None:
        answer["conflictingContainerAppResourceId"] = conflict.id
    if known and not proven:
        text = f"A TXT record pointing from asuid.{host} to {verification_id(call.world)} was not found."
        answer["customDomainVerificationFailureInfo"] = {"code": "InvalidCustomHostNameValidation", "message": text}
    return answer


async def _verification(call: Call, found: Mapping[str, str]) -> Response:
    return JSONResponse(verification_id(call.world))


def _check(change: Change) -> None:
    wanted = change.properties
    host = wanted["subjectName"] = str(wanted.get("subjectName", "")).lower()
    method = wanted.pop("validationMethod", None) or wanted.get("domainControlValidation")
    if method not in METHODS:
        raise _bad("InvalidRequest", f"domainControlValidation must be one of {', '.join(METHODS)}.")
    wanted["domainControlValidation"] = method
    environment = change.id.parent or ""
    if not any(host in _names(app) for app in _apps(change.world, environment)):
        text = f"Creating managed certificate requires hostname '{host}' added as a custom hostname to a container app"
        name = environment.rsplit("/", 1)[-1]
        raise _bad("RequireCustomHostnameInEnvironment", f"{text} or route in environment '{name}'")


def _apps(world: World, environment: str) -> list[Record]:
    apps = world.store.records(type=APP)
    return [app for app in apps if str(app.properties["environmentId"]).lower() == environment.lower()]


def _fill(change: Change) -> None:
    if change.properties["domainControlValidation"] == "TXT":
        change.properties.setdefault("validationToken", secrets.token_hex(16))


async def _apply(world: World, record: Record, private: Any) -> None:
    """The authority looks at DNS: a name in one of our zones must lead to an app of the environment."""
    host, environment = record.properties["subjectName"], record.id.rsplit("/managedCertificates/", 1)[0]
    if _zone(world, host) is None or record.properties["domainControlValidation"] == "TXT":
        return
    apps = [app for app in _apps(world, environment) if host in _names(app)]
    targets = {str((app.properties["configuration"].get("ingress") or {}).get("fqdn", "")).lower() for app in apps}
    home = world.store.find(environment)
    addresses = {str(home.properties.get("staticIp"))} if home else set()
    if not (_values(world, host, "CNAME") & targets or _values(world, host, "A") & addresses):
        record.properties["error"] = text = f"'{host}' has no CNAME or A record that leads to its container app."
        raise _bad("FailedToCreateManagedCertificate", text)


def _deletable(world: World, record: Record) -> None:
    for app in world.store.records(type=APP):
        if any(str(domain.get("certificateId", "")).lower() == record.key for domain in domains(app)):
            text = f"Certificate '{record.name}' is used by existing custom domains."
            raise _bad("CertificateInUse", text)


KINDS = (
    Kind(
        CERTIFICATE,
        name=NameRule(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"),
        put="certificate.put",
        delete="sync.delete",
        states=States(creating="Pending", updating="Pending"),
        echo="display",
        system_data=True,
        rank=14,
        kept=("validationToken",),
        check=_check,
        fill=_fill,
        apply=_apply,
        deletable=_deletable,
    ),
)

_PROVIDER = "/subscriptions/{subscription}/providers/Microsoft.App"

ENDPOINTS = (Endpoint("POST", _PROVIDER + "/getCustomDomainVerificationId", _verification),)
