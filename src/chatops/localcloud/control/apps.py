"""Microsoft.App container apps: what Azure fills in, revisions, and the app that really runs behind each.

https://learn.microsoft.com/rest/api/containerapps/container-apps
"""

from __future__ import annotations

import secrets
import string
import uuid
from datetime import timedelta

from .. import clock
from ..bodies import underlay
from ..errors import ArmError
from ..polling import Operation
from ..resource_types import APP
from ..runtime.spec import RuntimeFailure
from ..store import Body, Record
from ..world import World
from . import app_rules
from .app_spec import current_spec, shares_of
from .domains import analyse, ask_owners, check_domains, fill_domains, serve_domains
from .environments import verification_id
from .identities import assigned
from .kind import Call, Change, Kind, NameRule, States
from .power import APP_TURNS
from .revisions import begin_revision, end_revision, fqdn_of

TOKEN_SECONDS = 3600
SPELLINGS = {"single": "Single", "multiple": "Multiple", "auto": "Auto", "http": "Http", "http2": "Http2", "tcp": "Tcp"}
INGRESS = {
    "external": False,
    "transport": "Auto",
    "exposedPort": 0,
    "allowInsecure": False,
    "traffic": [{"weight": 100, "latestRevision": True}],
}
CONTAINER = {"resources": {"cpu": 0.5, "memory": "1Gi", "ephemeralStorage": "2Gi"}}


def _check(change: Change) -> None:
    for container in change.properties["template"].get("containers") or []:
        underlay(container, CONTAINER)
    app_rules.check(change)
    check_domains(change)


def _fill(change: Change) -> None:
    properties, record = change.properties, change.record
    configuration = properties["configuration"]
    environment = change.world.store.find(properties["environmentId"])
    domain = environment.properties["defaultDomain"] if environment else ""
    mode = str(configuration["activeRevisionsMode"])
    configuration["activeRevisionsMode"] = SPELLINGS.get(mode.lower(), mode)
    if ingress := configuration.get("ingress"):
        underlay(ingress, INGRESS)
        fill_domains(ingress)
        for share in ingress["traffic"]:
            share["weight"] = int(share.get("weight") or 0)  # az sends what it was given as text
        ingress["transport"] = SPELLINGS.get(str(ingress["transport"]).lower(), ingress["transport"])
        ingress["fqdn"] = f"{record.name}.{domain}" if ingress["external"] else f"{record.name}.internal.{domain}"
    properties["customDomainVerificationId"] = verification_id(change.world)
    properties["outboundIpAddresses"] = ["127.0.0.1"]
    properties["eventStreamEndpoint"] = f"{change.world.origin}{_short(record)}/eventstream"
    for name in ("latestRevisionName", "latestReadyRevisionName", "latestRevisionFqdn"):
        properties.setdefault(name, "")
    for rule in properties["template"].get("scale", {}).get("rules", []):
        if metadata := rule.get("http", {}).get("metadata"):
            rule["http"]["metadata"] = {key: str(metadata[key]) for key in sorted(metadata)}
    _identity(change)
    _revision(change)


def _short(record: Record) -> str:
    return f"{record.id.split('/providers/')[0]}/containerApps/{record.name}"


def _identity(change: Change) -> None:
    identity = change.record.body.setdefault("identity", {"type": "None"})
    before = (change.previous.body.get("identity") if change.previous else None) or {}
    kinds = [kind for kind in ("SystemAssigned", "UserAssigned") if kind.lower() in str(identity.get("type")).lower()]
    identity["type"] = ", ".join(kinds) or "None"
    if "SystemAssigned" in kinds:
        identity["principalId"] = before.get("principalId", str(uuid.uuid4()))
        identity["tenantId"] = change.world.settings.tenant
    if identity.get("userAssignedIdentities"):
        records = assigned(change.world, identity)
        identity["userAssignedIdentities"] = {
            record.id: {name: record.properties[name] for name in ("principalId", "clientId")} for record in records
        }


def _revision(change: Change) -> None:
    """A changed template is a new revision; anything else leaves the revision as it is."""
    template, hidden = change.properties["template"], change.record.hidden
    suffix = template.pop("revisionSuffix", None)
    if change.previous and template == change.previous.properties["template"] and "revision" in hidden:
        return
    suffix = suffix or "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(7))
    name = f"{change.record.name}--{suffix}"
    known = change.world.store.find(f"{change.record.id}/revisions/{name}")
    if known and known.properties["template"] != template:
        why = f'Invalid value: "{suffix}": revision with suffix {suffix} already exists.'
        app_rules.invalid("template.revisionsuffix", why)
    hidden["revision"] = name


async def _apply(world: World, record: Record, private: Body) -> None:
    serve_domains(world, record)
    revision = record.hidden["revision"]
    record.properties.update(latestRevisionName=revision, runningStatus="Running")
    if ingress := record.properties["configuration"].get("ingress"):
        record.properties["latestRevisionFqdn"] = fqdn_of(ingress, record.name, revision)
    if record.properties["configuration"]["activeRevisionsMode"] == "Single":
        await _bring_up(world, record, revision)
    else:
        await _put_beside(world, record, revision)


async def _bring_up(world: World, record: Record, revision: str) -> None:
    """Single mode: the operation ends when the revision has taken over, or failed to."""
    begin_revision(world, record, revision)
    try:
        await world.runtime.put_app(current_spec(world, record))
    except RuntimeFailure as failure:
        end_revision(world, record, revision, str(failure))
        raise
    end_revision(world, record, revision, None)
    record.properties["latestReadyRevisionName"] = revision


async def _put_beside(world: World, record: Record, revision: str) -> None:
    """Multiple mode: the operation ends when the revision is on its way; how it fares is seen on the revision."""
    world.runtime.set_traffic(record.key, shares_of(record))
    known = world.store.find(f"{record.id}/revisions/{revision}")
    if known is None:
        begin_revision(world, record, revision)
    if known is None or known.properties["active"]:
        await world.runtime.put_revision(current_spec(world, record))
    world.runtime.set_traffic(record.key, shares_of(record))


def _show(world: World, record: Record) -> Body:
    """In Multiple mode a revision may become ready long after the operation that made it."""
    status = world.runtime.app_status(record.key)
    ready = status.latest_ready_revision if status else ""
    if not ready or record.properties["configuration"]["activeRevisionsMode"] == "Single":
        return record.body
    return {**record.body, "properties": {**record.properties, "latestReadyRevisionName": ready}}


async def _remove(world: World, record: Record) -> None:
    await world.runtime.delete_app(record.key)


def _busy(operation: Operation) -> ArmError:
    text = (
        f"Cannot modify a container app '{operation.name}' because there is an active provisioning operation in "
        f"progress. OperationId: '{operation.guid}'"
    )
    return ArmError(409, "ContainerAppOperationInProgress", text)


async def _list_secrets(call: Call, record: Record) -> Body:
    values: dict[str, str] = record.hidden.get("secrets", {})
    declared = record.properties["configuration"].get("secrets") or []
    shown = [{**secret, "value": values[secret["name"]]} if secret["name"] in values else secret for secret in declared]
    return {"value": shown}


async def _auth_token(call: Call, record: Record) -> Body:
    """A token for this app's log streams alone."""
    token = call.world.tokens.issue(call.claims.oid, record.key, lifetime=TOKEN_SECONDS)
    expires = clock.iso(clock.now() + timedelta(seconds=TOKEN_SECONDS))
    common = {name: record.body[name] for name in ("id", "name", "type", "location")}
    return {**common, "properties": {"token": token, "expires": expires}}


KINDS = (
    Kind(
        APP,
        name=NameRule(
            r"(?!.*--)[a-z][a-z0-9-]{0,30}[a-z0-9]",
            "ContainerAppInvalidName",
            "Invalid ContainerApp name '{name}'. A name must consist of lower case alphanumeric characters or '-', "
            "start with an alphabetic character, and end with an alphanumeric character and cannot have '--'. The "
            "length must not be more than 32 characters.",
        ),
        put="app.put",
        respelled=("/containerApps/", "/containerapps/"),
        patch="app.patch",
        delete="app.delete",
        states=States(creating="InProgress", updating="InProgress"),
        echo="display",
        system_data=True,
        rank=10,
        kept=("latestRevisionName", "latestReadyRevisionName", "latestRevisionFqdn"),
        defaults={
            "workloadProfileName": "Consumption",
            "runningStatus": "Running",
            "configuration": {"activeRevisionsMode": "Single", "maxInactiveRevisions": 100, "identitySettings": []},
            "template": {"scale": {"maxReplicas": 10, "cooldownPeriod": 300, "pollingInterval": 30}},
            "delegatedIdentities": [],
        },
        ask=ask_owners,
        check=_check,
        fill=_fill,
        show=_show,
        apply=_apply,
        remove=_remove,
        busy=_busy,
        turns=APP_TURNS,
        actions={"listSecrets": _list_secrets, "getAuthToken": _auth_token, "listCustomHostNameAnalysis": analyse},
    ),
)
