"""Microsoft.KeyVault: vaults with soft delete, recovery and purge, and the value-less view of their secrets.

https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from starlette.responses import Response

from .. import clock
from ..data.secrets import Shelf, version_of
from ..errors import ArmError, gateway
from ..ids import Id
from ..polling import Operation, headers, new_token
from ..resource_types import VAULT
from ..store import Body, Record
from ..world import World
from .kind import Call, Change, Endpoint, Kind, NameRule, States, read_only
from .limits import taken_vault
from .styles import STYLES

ITEM = "Microsoft.KeyVault/vaults/secrets"
DELETED = "deleted-vaults"
DELETED_VAULT = "Microsoft.KeyVault/deletedVaults"
DOMAIN = "vault.azure.net"
LOOK = 3600.0  # seconds between two looks for what need not be kept any longer
OPEN = {"defaultAction": "Allow", "bypass": "AzureServices"}


def by_name(world: World, name: str) -> Record | None:
    """The vault that answers at NAME.vault.azure.net; names are global."""
    records = world.store.records(type=VAULT)
    return next((record for record in records if record.name.lower() == name.lower()), None)


def _check(change: Change) -> None:
    wanted, world, name = change.properties, change.world, change.id.name
    if not isinstance(wanted.get("tenantId"), str):
        raise ArmError(400, "BadRequest", "The parameter tenantId is not specified.")
    if str(wanted.get("sku", {}).get("name", "")).lower() not in ("standard", "premium"):
        raise ArmError(400, "BadRequest", "The parameter sku is not specified or not one of: standard, premium.")
    other = by_name(world, name)
    if other and other.key != change.record.key:
        raise taken_vault(name)
    deleted = world.store.get(DELETED, name.lower())
    if change.private.get("createMode") == "recover":
        _recover(change, deleted)
    elif deleted:
        text = (
            "A vault with the same name already exists in deleted state. You need to either recover or purge "
            "existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more "
            "information on soft delete."
        )
        raise ArmError(409, "ConflictError", text)


def _recover(change: Change, deleted: Body | None) -> None:
    if deleted is None or deleted["record"]["id"].lower() != change.record.key:
        text = f"A deleted vault with the name '{change.id.name}' does not exist in this resource group."
        raise ArmError(404, "DeletedVaultNotFound", text)
    change.record.body.update(deleted["record"])
    change.beside.append(partial(change.world.store.delete, DELETED, change.id.name.lower()))


def _fill(change: Change) -> None:
    change.properties["vaultUri"] = f"https://{change.id.name.lower()}.{DOMAIN}/"
    if change.properties.get("networkAcls") == OPEN:
        del change.properties["networkAcls"]
    sku = change.properties["sku"]
    change.properties["sku"] = {"family": sku.get("family", "A"), "name": sku["name"].lower()}


def _show(world: World, record: Record) -> Body:
    properties = dict(record.properties)
    if properties["provisioningState"] == "RegisteringDns":
        properties["vaultUri"] = properties["vaultUri"].rstrip("/")
    return {**record.body, "properties": properties}


async def _remove(world: World, record: Record) -> None:
    moment = clock.now()
    days = timedelta(days=record.properties["softDeleteRetentionInDays"])
    record.properties["provisioningState"] = "Succeeded"
    body = {"record": record.body, "deletionDate": clock.iso(moment), "scheduledPurgeDate": clock.iso(moment + days)}
    world.store.put(DELETED, record.name.lower(), body)


def _shown_deleted(world: World, body: Body) -> Body:
    record = body["record"]
    place = f"{world.settings.scope}/providers/Microsoft.KeyVault/locations/{record['location']}"
    properties = {
        "vaultId": record["id"],
        "location": record["location"],
        "tags": record.get("tags", {}),
        "deletionDate": body["deletionDate"],
        "scheduledPurgeDate": body["scheduledPurgeDate"],
        "purgeProtectionEnabled": record["properties"].get("enablePurgeProtection"),
    }
    name = record["name"]
    return {"id": f"{place}/deletedVaults/{name}", "name": name, "type": DELETED_VAULT, "properties": properties}


def _deleted(call: Call, found: Mapping[str, str]) -> Body:
    body = call.world.store.get(DELETED, found["name"].lower())
    if body is None or body["record"]["location"].lower() != found["location"].lower():
        text = f"The specified deleted vault '{found['name']}' does not exist."
        raise ArmError(404, "DeletedVaultNotFound", text)
    return body


async def _list_deleted(call: Call, found: Mapping[str, str]) -> Body:
    return {"value": [_shown_deleted(call.world, body) for _, body in call.world.store.below(DELETED)]}


async def _get_deleted(call: Call, found: Mapping[str, str]) -> Body:
    return _shown_deleted(call.world, _deleted(call, found))


async def _purge(call: Call, found: Mapping[str, str]) -> Response:
    record = _deleted(call, found)["record"]
    if record["properties"].get("enablePurgeProtection"):
        raise ArmError(405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")
    style = STYLES["vault.purge"]
    token = new_token(style, record["name"], record["location"])
    operation = Operation(token, "vault.purge", "delete", call.id.text, record["location"], record["name"], "Deleting")

    async def work() -> None:
        await call.world.conditions.released(DELETED_VAULT)

    with call.world.store.together():
        call.world.store.delete(DELETED, record["name"].lower())
        Shelf(call.world.store, record["name"]).clear()
        call.world.operations.open(operation)
    call.world.operations.run(operation, work, lambda _: None)
    return Response(status_code=202, headers=headers(operation, style, call.origin, call.version))


async def end_retention(world: World) -> None:
    """Purge vaults and secrets that could be recovered for long enough, as Azure does; for ever."""
    while True:
        for name, body in world.store.below(DELETED):
            if body["scheduledPurgeDate"] <= clock.iso():
                with world.store.together():
                    world.store.delete(DELETED, name)
                    Shelf(world.store, name).clear()
        for vault in world.store.records(type=VAULT):
            Shelf(world.store, vault.name).end_retention()
        await clock.sleep(LOOK)


async def _name(call: Call, found: Mapping[str, str]) -> Body:
    name = str(call.body.get("name", ""))
    others = call.world.conditions.now.taken(VAULT, name)
    if others or by_name(call.world, name) or call.world.store.get(DELETED, name.lower()):
        text = f"The name '{name}' is already in use."
        return {"nameAvailable": False, "reason": "AlreadyExists", "message": text}
    return {"nameAvailable": True}


def _secret(world: World, vault: Record, secret: Body) -> Body:
    version = version_of(secret, None) or {}
    address = f"{vault.properties['vaultUri']}secrets/{secret['name']}"
    shown = {name: version["attributes"].get(name) for name in ("enabled", "created", "updated", "nbf", "exp")}
    properties = {
        "attributes": shown,
        "contentType": version.get("contentType"),
        "secretUri": address,
        "secretUriWithVersion": f"{address}/{version['version']}",
    }
    id = f"{vault.id}/secrets/{secret['name']}"
    common = {"id": id, "name": secret["name"], "type": ITEM, "location": vault.body["location"]}
    return {**common, "tags": version["tags"], "properties": properties}


def _read_secret(world: World, id: Id) -> Body | None:
    vault = world.store.find(id.parent or "")
    secret = Shelf(world.store, vault.name).find(id.name) if vault else None
    return _secret(world, vault, secret) if vault and secret and not secret["deleted"] else None


def _list_secrets(call: Call) -> list[Body]:
    vault = call.world.store.find(call.id.text.rsplit("/", 1)[0])
    if vault is None:
        return []
    return [
        _secret(call.world, vault, secret)
        for secret in Shelf(call.world.store, vault.name).all()
        if not secret["deleted"]
    ]


def _no_secret(id: Id) -> ArmError:
    return gateway(404, "ResourceNotFound", f"The secret '{id.name}' was not found in the vault.")


KINDS = (
    Kind(
        VAULT,
        name=NameRule(
            r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]",
            "VaultNameNotValid",
            "The vault name '{name}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name "
            "must begin with a letter, end with a letter or digit, and not contain consecutive hyphens.",
        ),
        put="vault.put",
        delete="sync.delete",
        states=States(creating="RegisteringDns"),
        system_data=True,
        rank=40,
        write_only=("createMode",),
        defaults={
            "accessPolicies": [],
            "enabledForDeployment": False,
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 90,
            "enableRbacAuthorization": True,
            "publicNetworkAccess": "Enabled",
        },
        check=_check,
        fill=_fill,
        show=_show,
        remove=_remove,
    ),
    read_only(
        ITEM,
        read=_read_secret,
        listing=_list_secrets,
        missing=_no_secret,
    ),
)

_SUBSCRIPTION = "/subscriptions/{subscription}/providers/Microsoft.KeyVault"
_ONE_DELETED = _SUBSCRIPTION + "/locations/{location}/deletedVaults/{name}"

ENDPOINTS = (
    Endpoint("GET", _SUBSCRIPTION + "/deletedVaults", _list_deleted, "Microsoft.KeyVault/deletedVaults/read"),
    Endpoint("GET", _ONE_DELETED, _get_deleted, "Microsoft.KeyVault/locations/deletedVaults/read"),
    Endpoint("POST", _ONE_DELETED + "/purge", _purge, "Microsoft.KeyVault/locations/deletedVaults/purge/action"),
    Endpoint("POST", _SUBSCRIPTION + "/checkNameAvailability", _name, "Microsoft.KeyVault/checkNameAvailability/read"),
)
