"""Microsoft.ContainerRegistry: registries, and the quick builds of their build service.

https://learn.microsoft.com/rest/api/containerregistry/registries
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from .. import clock
from ..errors import ArmError, gateway, missing
from ..ids import Id
from ..resource_types import REGISTRY
from ..store import Body, Record
from ..world import World
from .kind import Call, Change, Endpoint, Kind, NameRule, States, read_only
from .limits import taken_registry
from .roles import authorize

RUN = "Microsoft.ContainerRegistry/registries/runs"
DOMAIN = "azurecr.io"
ADMIN = "admin"
TIERS = {"basic": "Basic", "standard": "Standard", "premium": "Premium"}
INCLUDED = {"Basic": (10, 2), "Standard": (100, 10), "Premium": (500, 500)}
"""GiB of storage and webhooks: https://learn.microsoft.com/azure/container-registry/container-registry-skus."""


def by_server(world: World, server: str) -> Record | None:
    """The registry behind a login server such as `myregistry.azurecr.io`."""
    records = world.store.records(type=REGISTRY)
    return next((record for record in records if record.properties["loginServer"] == server.lower()), None)


def is_admin(registry: Record, user: str, password: str) -> bool:
    """Whether these are the credentials of the registry's admin user, and it is enabled."""
    known = [value.encode() for value in registry.hidden.get("passwords", ())]
    right = any(hmac.compare_digest(password.encode(), value) for value in known)
    return right and user.lower() == registry.name.lower() and bool(registry.properties["adminUserEnabled"])


@dataclass(frozen=True)
class Registries:
    """What the registries' data plane asks of this one."""

    world: World

    @property
    def audience(self) -> str:
        return self.world.origin

    def servers(self) -> list[str]:
        """All login servers."""
        return [str(record.properties["loginServer"]) for record in self.world.store.records(type=REGISTRY)]

    def allows(self, oid: str, action: str, server: str) -> bool:
        """May this principal do this action at this login server?"""
        found = by_server(self.world, server)
        if found is not None and oid == ADMIN:
            return bool(found.properties["adminUserEnabled"])
        return found is not None and authorize(self.world, oid, action, found.id)

    def admin(self, user: str, password: str, server: str) -> str | None:
        """Whom do this user name and password stand for at this login server?"""
        found = by_server(self.world, server)
        return ADMIN if found and is_admin(found, user, password) else None


def _server(name: str) -> str:
    return f"{name.lower()}.{DOMAIN}"


def _check(change: Change) -> None:
    tier = str((change.record.body.get("sku") or {}).get("name", "")).lower()
    if tier not in TIERS:
        text = f"The SKU '{tier}' is invalid: one of Basic, Standard, Premium is needed."
        raise ArmError(400, "InvalidSku", text)
    other = by_server(change.world, _server(change.id.name))
    if other and other.key != change.record.key:
        raise taken_registry(change.id.name)


def _fill(change: Change) -> None:
    tier = TIERS[str(change.record.body["sku"]["name"]).lower()]
    change.record.body["sku"] = {"name": tier, "tier": tier}
    change.properties["loginServer"] = _server(change.record.name)
    change.properties.setdefault("creationDate", clock.iso())
    change.record.hidden.setdefault("passwords", [secrets.token_urlsafe(36) for _ in range(2)])


async def _remove(world: World, record: Record) -> None:
    await world.runtime.delete_registry(record.properties["loginServer"])


async def _credentials(call: Call, record: Record) -> Body:
    if not record.properties["adminUserEnabled"]:
        text = (
            f"Cannot perform credential operations for {record.id} as admin user is disabled. Kindly enable admin user "
            "as per docs: "
            "https://docs.microsoft.com/en-us/azure/container-registry/container-registry-authentication#admin-account"
        )
        raise ArmError(400, "UnAuthorizedForCredentialOperations", text)
    names = ("password", "password2")
    passwords = [{"name": name, "value": value} for name, value in zip(names, record.hidden["passwords"], strict=True)]
    return {"username": record.name, "passwords": passwords}


def _refuse_trial(call: Call, record: Record) -> None:
    if call.world.conditions.now.is_trial:
        text = (
            f"ACR Tasks requests for the registry {record.name} and {call.world.settings.subscription} "
            "are not permitted. Please file an Azure support request at http://aka.ms/azuresupport for assistance."
        )
        raise ArmError(403, "TasksOperationsNotAllowed", text)


async def _upload_url(call: Call, record: Record) -> Body:
    _refuse_trial(call, record)
    path, relative = call.world.builds.upload_url(record.id)
    return {"uploadUrl": f"{call.origin}{path}", "relativePath": relative}


async def _schedule(call: Call, record: Record) -> Body:
    _refuse_trial(call, record)
    if call.body.get("type") != "DockerBuildRequest":
        text = (
            f"The run request type '{call.body.get('type')}' is not offered by the local cloud: DockerBuildRequest is."
        )
        raise ArmError(400, "InvalidRunRequest", text)
    return call.world.builds.schedule(record.id, call.body).arm()


def _registry(world: World, id: Id) -> Record | None:
    return world.store.find(id.parent or "")


def _read_run(world: World, id: Id) -> Body | None:
    registry = _registry(world, id)
    run = world.builds.get(registry.id, id.name) if registry else None
    return run.arm() if run else None


def _list_runs(call: Call) -> list[Body]:
    registry = call.world.store.find(call.id.text.rsplit("/", 1)[0])
    return [run.arm() for run in call.world.builds.list(registry.id)] if registry else []


def _no_run(id: Id) -> ArmError:
    return gateway(404, "RunNotFound", f"The run '{id.name}' was not found.")


async def _log_url(call: Call, run: Record) -> Body:
    registry, _, name = run.id.rpartition("/runs/")
    return {"logLink": f"{call.origin}{call.world.builds.log_url_path(registry, name)}"}


async def _cancel(call: Call, run: Record) -> Body:
    registry, _, name = run.id.rpartition("/runs/")
    await call.world.builds.cancel(registry, name)
    return {}


async def _usages(call: Call, found: Mapping[str, str]) -> Body:
    record = call.world.store.find(call.id.text.rsplit("/", 1)[0])
    if record is None:
        raise missing(call.id, REGISTRY)
    storage, webhooks = INCLUDED[record.body["sku"]["name"]]
    size = await asyncio.to_thread(call.world.runtime.registry_size, record.properties["loginServer"])
    return {
        "value": [
            {"name": "Size", "limit": storage << 30, "currentValue": size, "unit": "Bytes"},
            {"name": "Webhooks", "limit": webhooks, "currentValue": 0, "unit": "Count"},
        ]
    }


async def _available(call: Call, found: Mapping[str, str]) -> Body:
    name = str(call.body.get("name", ""))
    if call.world.conditions.now.taken(REGISTRY, name) or by_server(call.world, _server(name)):
        text = f"The registry {name} is already in use."
        return {"nameAvailable": False, "reason": "AlreadyExists", "message": text}
    return {"nameAvailable": True}


KINDS = (
    Kind(
        REGISTRY,
        name=NameRule(
            r"[A-Za-z0-9]{5,50}",
            "InvalidResourceName",
            "Registry name '{name}' is invalid: 5 to 50 letters and digits.",
        ),
        put="registry.put",
        patch="registry.put",
        delete="registry.delete",
        states=States(creating="Creating", updating="Updating"),
        system_data=True,
        rank=42,
        kept=("creationDate", "loginServer"),
        defaults={
            "adminUserEnabled": False,
            "policies": {
                "quarantinePolicy": {"status": "disabled"},
                "trustPolicy": {"type": "Notary", "status": "disabled"},
                "retentionPolicy": {"days": 7, "status": "disabled"},
                "exportPolicy": {"status": "enabled"},
                "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
                "softDeletePolicy": {"retentionDays": 7, "status": "disabled"},
            },
            "encryption": {"status": "disabled"},
            "dataEndpointEnabled": False,
            "publicNetworkAccess": "Enabled",
            "networkRuleBypassOptions": "AzureServices",
            "zoneRedundancy": "Disabled",
        },
        check=_check,
        fill=_fill,
        remove=_remove,
        actions={
            "listCredentials": _credentials,
            "listBuildSourceUploadUrl": _upload_url,
            "scheduleRun": _schedule,
        },
    ),
    read_only(
        RUN,
        read=_read_run,
        listing=_list_runs,
        missing=_no_run,
        actions={"listLogSasUrl": _log_url, "cancel": _cancel},
    ),
)

ENDPOINTS = (
    Endpoint(
        "GET",
        f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{REGISTRY}/{{name}}/listUsages",
        _usages,
        action=f"{REGISTRY}/listUsages/read",
    ),
    Endpoint(
        "POST", f"/subscriptions/{{subscription}}/providers/{REGISTRY.split('/')[0]}/checkNameAvailability", _available
    ),
)
