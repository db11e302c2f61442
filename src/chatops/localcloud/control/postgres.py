"""Microsoft.DBforPostgreSQL flexible servers and their databases: rules of Azure, behind them a real server.

The administrator's password goes straight through to the server and is never stored.
https://learn.microsoft.com/rest/api/postgresql/servers
"""

from __future__ import annotations

import re

from .. import clock
from ..errors import ArmError, gateway
from ..ids import Id
from ..polling import Operation
from ..resource_types import SERVER
from ..store import Body, Record
from ..world import World
from .dns import links
from .kind import Change, Kind, NameRule, States
from .limits import taken_server
from .network import services, users
from .power import SERVER_TURNS, STOPPED

DATABASE = "Microsoft.DBforPostgreSQL/flexibleServers/databases"
DOMAIN = "postgres.database.azure.com"
VERSIONS = ("18", "17", "16", "15", "14", "13", "12", "11")
SKUS = {
    "Burstable": r"Standard_B(1ms|2s|2ms|4ms|8ms|12ms|16ms|20ms)",
    "GeneralPurpose": r"Standard_D(2|4|8|16|32|48|64|96)a?d?s_v[3-6]",
    "MemoryOptimized": r"Standard_E(2|4|8|16|20|32|48|64|96)a?d?s_v[3-6]",
}
SIZES_GB = (32, 64, 128, 256, 512, 1024, 2048, 4095, 4096, 8192, 16384, 32767)
REFUSED_LOGINS = {"azure_superuser", "azuresu", "azure_pg_admin", "admin", "administrator", "root", "guest", "public"}
STATES = States("state", "Provisioning", "Updating", done="Ready", failed="Disabled", deleting="Dropping")


def by_name(world: World, name: str) -> Record | None:
    """The server of that name: names are global."""
    records = world.store.records(type=SERVER)
    return next((record for record in records if record.name.lower() == name.lower()), None)


def _invalid(parameter: str) -> ArmError:
    text = f"Invalid value given for parameter {parameter}. Specify a valid parameter value."
    return ArmError(400, "InvalidParameterValue", text)


def _check(change: Change) -> None:
    wanted, sku = change.properties, change.record.body.get("sku") or {}
    if not re.fullmatch(SKUS.get(sku.get("tier", ""), "-"), str(sku.get("name"))):
        raise _invalid("SkuName")
    if str(wanted["version"]) not in VERSIONS:
        raise _invalid("Version")
    if wanted["storage"].get("storageSizeGB") not in SIZES_GB:
        raise _invalid("StorageSizeGB")
    if not 7 <= wanted["backup"].get("backupRetentionDays", 0) <= 35:
        raise _invalid("BackupRetentionDays")
    if change.previous and change.previous.properties["state"] == STOPPED:
        text = f"Server '{change.id.name}' is stopped. Only its compute can be changed until it is started."
        raise ArmError(400, "UpsertServerManagementOperationComputeOnlySupportForStoppedServer", text)
    if change.new:
        _check_login(change)
        _check_network(change)
        return
    if "administratorLoginPassword" in change.private:
        _check_password(change)
    if change.previous and change.previous.properties["storage"]["storageSizeGB"] > wanted["storage"]["storageSizeGB"]:
        raise ArmError(400, "StorageDownsizeNotSupported", "The storage size of a server cannot be reduced.")


def _check_login(change: Change) -> None:
    other = by_name(change.world, change.id.name)
    if other:
        raise taken_server(change.id.name)
    login = str(change.properties.get("administratorLogin", ""))
    if not re.fullmatch(r"[A-Za-z_][\w]{0,62}", login) or login.lower() in REFUSED_LOGINS or login.startswith("pg_"):
        raise _invalid("AdministratorLogin")
    _check_password(change)


def _check_password(change: Change) -> None:
    password = str(change.private.get("administratorLoginPassword", ""))
    classes = sum(bool(re.search(kind, password)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^A-Za-z\d]"))
    if not 8 <= len(password) <= 128 or classes < 3:
        raise _invalid("AdministratorLoginPassword")


def _check_network(change: Change) -> None:
    network = change.properties.get("network") or {}
    subnet_id, zone_id = network.get("delegatedSubnetResourceId"), network.get("privateDnsZoneArmResourceId")
    if subnet_id is None:
        return
    if zone_id is None:
        text = (
            "The provided Private DNS zone ARM resource ID should not be empty for servers with Virtual Network access."
        )
        raise ArmError(400, "EmptyPrivateDnsZoneArmResourceId", text)
    subnet, zone = change.world.store.find(subnet_id), change.world.store.find(zone_id)
    for id, found in ((subnet_id, subnet), (zone_id, zone)):
        if found is None:
            raise gateway(404, "ResourceNotFound", f"The Resource '{id}' was not found.")
    if subnet and SERVER.lower() not in services(subnet.body):
        text = f"The subnet '{subnet_id}' must be delegated to '{SERVER}'."
        raise ArmError(400, "SubnetNotDelegated", text)
    taken = [user for user, service in users(change.world, subnet_id) if service != SERVER]
    if taken:
        raise ArmError(400, "SubnetInUse", f"The subnet '{subnet_id}' is in use by '{taken[0].id}'.")


async def _apply(world: World, record: Record, private: Body) -> None:
    _check_zone(world, record)
    properties, password = record.properties, private.get("administratorLoginPassword")
    login, version = properties["administratorLogin"], str(properties["version"])
    running = await world.runtime.put_server(record.key, version, login, password)
    major, _, minor = running.partition(".")
    properties["minorVersion"] = minor if major == version else running


def _check_zone(world: World, record: Record) -> None:
    """The zone's name and its link to the network; Azure looks at these only inside the operation."""
    network = record.properties.get("network", {})
    if not (zone := network.get("privateDnsZoneArmResourceId")):
        return
    name = zone.rsplit("/", 1)[1].lower()
    if not name.endswith(DOMAIN) or name == record.properties["fullyQualifiedDomainName"].lower():
        text = f"The private DNS zone name '{name}' must end with '{DOMAIN}' and differ from the server's own name."
        raise ArmError(400, "PrivateDnsZoneNameNotValid", text)
    vnet = network["delegatedSubnetResourceId"].rsplit("/subnets/", 1)[0].lower()
    linked = {str(link.properties["virtualNetwork"]["id"]).lower() for link in links(world, zone)}
    if vnet not in linked:
        text = f"The private DNS zone '{name}' is not linked to the virtual network '{vnet}'."
        raise ArmError(400, "PrivateDnsZoneNotLinked", text)


async def _remove(world: World, record: Record) -> None:
    await world.runtime.delete_server(record.key)


def _fill(change: Change) -> None:
    properties = change.properties
    change.record.body["systemData"] = {"createdAt": change.record.body["systemData"]["createdAt"]}
    before = change.previous.properties["backup"] if change.previous else {}
    properties["backup"]["earliestRestoreDate"] = before.get("earliestRestoreDate", clock.iso())
    properties["fullyQualifiedDomainName"] = f"{change.record.name}.{DOMAIN}"
    network = properties.setdefault("network", {})
    network["publicNetworkAccess"] = "Disabled" if "delegatedSubnetResourceId" in network else "Enabled"


def _busy(operation: Operation) -> ArmError:
    text = (
        f"Cannot complete operation while server '{operation.target.split('/')[8]}' is busy processing another "
        "operation. Please try again later."
    )
    return ArmError(409, "ServerIsBusy", text)


async def _put_database(world: World, record: Record, private: Body) -> None:
    await world.runtime.put_database(record.key.rsplit("/", 2)[0], record.name)


async def _delete_database(world: World, record: Record) -> None:
    await world.runtime.delete_database(record.key.rsplit("/", 2)[0], record.name)


def _fill_database(change: Change) -> None:
    change.properties["charset"] = str(change.properties["charset"]).upper()


def _no_database(id: Id) -> ArmError:
    text = f"The requested resource of type '{DATABASE}' with name '{id.name}' was not found."
    return ArmError(404, "ResourceNotFound", text)


KINDS = (
    Kind(
        SERVER,
        name=NameRule(
            r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
            "InvalidServerName",
            "Server name '{name}' is invalid: 3 to 63 lower-case letters, digits and hyphens, no hyphen at either end.",
        ),
        put="postgres.server.put",
        patch="postgres.server.patch",
        delete="postgres.server.delete",
        states=STATES,
        echo="display",
        system_data=True,
        rank=20,
        write_only=("administratorLoginPassword", "createMode"),
        kept=("minorVersion", "fullyQualifiedDomainName"),
        once=("administratorLogin",),
        defaults={
            "version": "17",
            "storage": {"storageSizeGB": 32, "type": "", "iops": 120, "tier": "P4", "autoGrow": "Disabled"},
            "backup": {"backupRetentionDays": 7, "geoRedundantBackup": "Disabled"},
            "highAvailability": {"mode": "Disabled", "state": "NotEnabled"},
            "maintenanceWindow": {"customWindow": "Disabled", "dayOfWeek": 0, "startHour": 0, "startMinute": 0},
            "authConfig": {"activeDirectoryAuth": "Disabled", "passwordAuth": "Enabled"},
            "dataEncryption": {"type": "SystemManaged"},
            "replica": {"role": "Primary", "capacity": 5},
            "replicationRole": "Primary",
            "replicaCapacity": 5,
            "availabilityZone": "1",
        },
        check=_check,
        fill=_fill,
        apply=_apply,
        remove=_remove,
        busy=_busy,
        turns=SERVER_TURNS,
    ),
    Kind(
        DATABASE,
        name=NameRule(r"[A-Za-z_][\w-]{0,62}", "InvalidDatabaseName", "Database name '{name}' is invalid."),
        put="postgres.database.put",
        patch=None,
        delete="postgres.database.delete",
        states=States(member=None),
        location=None,
        rank=19,
        defaults={"charset": "UTF8", "collation": "en_US.utf8"},
        fill=_fill_database,
        apply=_put_database,
        remove=_delete_database,
        missing=_no_database,
        busy=_busy,
    ),
)
