"""Managed certificates of an environment: Pending until the authority has seen the proof, renewed before they end.

They are valid for six months, as DigiCert's are for Azure, and renewed 45 days before their end after the same look at
DNS; one that may not be renewed stays until it ends.
https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates
"""

from __future__ import annotations

import logging
import secrets
from datetime import timedelta

from .. import clock
from ..resource_types import ENVIRONMENT
from ..store import Body, Record
from ..world import World
from .certificates import refresh
from .domains import HOST, MANAGED, deletable, hosts, refuse, serve_environment
from .environments import LIFETIME, apps_in, certify
from .issuance import METHODS, problem
from .kind import Change, Kind, NameRule, States

log = logging.getLogger(__name__)

RENEWED_BEFORE = timedelta(days=45)
LOOK_EVERY = timedelta(hours=12)
RETRY = 2.0  # seconds between two looks at DNS
GIVEN_UP = timedelta(minutes=20)  # as long as az tells people that it may take
LONGEST_SUBJECT = 64


def _check(change: Change) -> None:
    wanted, previous = change.properties, change.previous
    if change.call.method == "PATCH" and previous and previous.properties["provisioningState"] != "Succeeded":
        raise refuse("InvalidRequest", f"The certificate '{change.id.name}' was not issued: PUT it again.")
    host = wanted["subjectName"] = str(wanted.get("subjectName", "")).lower()
    method = wanted.pop("validationMethod", None) or wanted.get("domainControlValidation")
    if method not in METHODS:
        raise refuse("InvalidRequest", f"domainControlValidation must be one of {', '.join(METHODS)}.")
    wanted["domainControlValidation"] = method
    if not HOST.fullmatch(host):
        raise refuse("InvalidRequest", f"A managed certificate is for one host name, without wildcards: not '{host}'.")
    if len(host) > LONGEST_SUBJECT:
        text = f"The subject name '{host}' has {len(host)} characters: a managed certificate has room for"
        raise refuse("InvalidRequest", f"{text} {LONGEST_SUBJECT}.")
    environment = change.id.parent or ""
    if not any(host in hosts(app) for app in apps_in(change.world, environment)):
        text = f"Creating managed certificate requires hostname '{host}' added as a custom hostname to a container app"
        name = environment.rsplit("/", 1)[-1]
        raise refuse("RequireCustomHostnameInEnvironment", f"{text} or route in environment '{name}'")


def _fill(change: Change) -> None:
    properties, hidden = change.properties, change.record.hidden
    properties.pop("error", None)
    if change.call.method == "PUT":
        hidden["asked"] = clock.iso()
    hidden.setdefault("challenge", secrets.token_hex(16))
    if properties["domainControlValidation"] == "TXT":
        properties.setdefault("validationToken", f"_{secrets.token_hex(16)}")


async def _apply(world: World, record: Record, private: Body) -> None:
    """Look until the proof is there, or until it is too late."""
    if "asked" not in record.hidden:
        return
    end = clock.parse(record.hidden["asked"]) + GIVEN_UP
    while (found := await problem(world, record)) is not None:
        if found.final or clock.now() >= end:
            record.properties["error"] = found.text
            raise refuse("FailedToCreateManagedCertificate", found.text)
        await clock.sleep(RETRY)
    del record.hidden["asked"]
    issue(world, record)
    world.store.save(record)
    serve_environment(world, record.id.rsplit("/managedCertificates/", 1)[0])


def issue(world: World, record: Record) -> None:
    """Sign for this host name and serve it from now on."""
    end = clock.now() + LIFETIME
    record.hidden["pem"] = world.certificates.issue([str(record.properties["subjectName"])], end)
    record.hidden["end"] = clock.iso(end)
    world.runtime.put_certificate(record.key, record.hidden["pem"])


async def _remove(world: World, record: Record) -> None:
    world.runtime.delete_certificate(record.key)


async def renew(world: World) -> None:
    """For ever: issue anew what ends soon by the local cloud's clock, and look for what is new in Key Vault."""
    while True:
        for environment in _due(world, ENVIRONMENT):
            certify(world, environment)
            world.store.save(environment)
        for record in _due(world, MANAGED):
            await _renew(world, record)
        refresh(world)
        await clock.sleep(LOOK_EVERY.total_seconds())


def _due(world: World, type: str) -> list[Record]:
    limit = clock.iso(clock.now() + RENEWED_BEFORE)
    return [record for record in world.store.records(type=type) if record.hidden.get("end", limit) < limit]


async def _renew(world: World, record: Record) -> None:
    found = await problem(world, record)
    current = world.store.find(record.id)
    if current is None or current.hidden.get("end") != record.hidden["end"]:
        return
    if found is not None:
        log.warning("%s is not renewed: %s", record.id, found.text)
        return
    issue(world, current)
    world.store.save(current)


KINDS = (
    Kind(
        MANAGED,
        name=NameRule(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"),
        put="certificate.put",
        delete="sync.delete",
        states=States(creating="Pending", updating="Pending"),
        echo="display",
        system_data=True,
        rank=14,
        unchanged="sync.200",
        kept=("validationToken",),
        check=_check,
        fill=_fill,
        apply=_apply,
        remove=_remove,
        background=True,
        deletable=deletable,
    ),
)
