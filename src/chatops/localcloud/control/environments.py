"""Microsoft.App managed environments: the network, domain and logs that container apps share.

https://learn.microsoft.com/rest/api/containerapps/managed-environments
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from ipaddress import ip_network

from .. import clock
from ..errors import ArmError
from ..ids import Id
from ..polling import Operation
from ..resource_types import APP, ENVIRONMENT, WORKSPACE
from ..store import Body, Record
from ..world import World
from .kind import Call, Change, Kind, NameRule, States
from .network import services, users
from .regions import flat

DELEGATION = "Microsoft.App/environments"
SMALLEST_SUBNET = 27
ADDRESS = "127.0.0.1"
LIFETIME = timedelta(days=180)
ADJECTIVES = ("agreeable", "blue", "calm", "delightful", "gentle", "happy", "kind", "lively", "proud", "wonderful")
NOUNS = ("bay", "cliff", "dune", "field", "forest", "hill", "island", "meadow", "river", "sea")


def verification_id(world: World) -> str:
    """What a domain's TXT record must hold: one value per subscription."""
    return hashlib.sha256(f"domain verification {world.settings.subscription}".encode()).hexdigest().upper()


def apps_in(world: World, environment: str) -> list[Record]:
    """The container apps of an environment."""
    key = environment.lower()
    return [app for app in world.store.records(type=APP) if str(app.properties["environmentId"]).lower() == key]


def _check(change: Change) -> None:
    subnet_id = change.properties.get("vnetConfiguration", {}).get("infrastructureSubnetId")
    before = change.previous.properties.get("vnetConfiguration", {}) if change.previous else {}
    if change.previous and str(before.get("infrastructureSubnetId")).lower() != str(subnet_id).lower():
        text = "The virtual network configuration of an environment cannot be changed after it was created."
        raise ArmError(400, "ManagedEnvironmentInvalidNetworkConfiguration", text)
    if subnet_id:
        _check_subnet(change, subnet_id)
    logs = change.properties.get("appLogsConfiguration", {})
    if logs.get("destination") == "log-analytics":
        _check_logs(change, logs.get("logAnalyticsConfiguration") or {})


def _check_subnet(change: Change, subnet_id: str) -> None:
    subnet = change.world.store.find(subnet_id)
    if subnet is None:
        text = f"The subnet '{subnet_id}' of the environment could not be found."
        raise ArmError(400, "ManagedEnvironmentInvalidNetworkConfiguration", text)
    if DELEGATION.lower() not in services(subnet.body):
        text = f"The subnet of the environment must be delegated to the service '{DELEGATION}'."
        raise ArmError(400, "ManagedEnvironmentSubnetDelegationError", text)
    if any(user.key != change.record.key for user, _ in users(change.world, subnet_id)):
        text = f"The subnet '{subnet_id}' is already in use by another environment."
        raise ArmError(400, "ManagedEnvironmentSubnetInUse", text)
    prefix = subnet.properties.get("addressPrefix") or subnet.properties["addressPrefixes"][0]
    if ip_network(prefix).prefixlen > SMALLEST_SUBNET:
        text = f"The subnet must have a size of at least /{SMALLEST_SUBNET}; '{subnet_id}' is {prefix}."
        raise ArmError(400, "ManagedEnvironmentInvalidNetworkConfiguration", text)


def _check_logs(change: Change, wanted: Body) -> None:
    """A workspace is named by its customer id; its key must be right and is not kept."""
    customer, key = wanted.get("customerId"), wanted.pop("sharedKey", None)
    if change.previous and key is None:
        return
    workspaces = change.world.store.records(type=WORKSPACE)
    if not any(
        workspace.properties["customerId"] == customer and key in workspace.hidden.values() for workspace in workspaces
    ):
        text = "The Log Analytics customerId and sharedKey do not belong to a workspace."
        raise ArmError(400, "InvalidLogAnalyticsConfiguration", text)


def _fill(change: Change) -> None:
    properties, place = change.properties, flat(change.record.body["location"])
    domain = f"{secrets.choice(ADJECTIVES)}{secrets.choice(NOUNS)}-{secrets.token_hex(4)}.{place}.azurecontainerapps.io"
    properties.setdefault("defaultDomain", domain)
    group = f"ME_{change.record.name}_{change.id.group}_{place}"
    properties.setdefault("infrastructureResourceGroup", group)
    properties["customDomainConfiguration"] = {
        **properties.get("customDomainConfiguration", {}),
        "customDomainVerificationId": verification_id(change.world),
    }
    path = change.record.id.split("/providers/")[0] + f"/managedEnvironments/{change.record.name}/eventstream"
    properties["eventStreamEndpoint"] = f"{change.world.origin}{path}"
    if not properties.get("vnetConfiguration", {}).get("infrastructureSubnetId"):
        properties["staticIp"] = ADDRESS


async def _apply(world: World, record: Record, private: Body) -> None:
    record.properties["staticIp"] = ADDRESS
    if "pem" not in record.hidden:
        certify(world, record)


def certify(world: World, environment: Record) -> None:
    """Serve a certificate for whatever lies in the environment's domain."""
    domain, end = environment.properties["defaultDomain"], clock.now() + LIFETIME
    names = [domain, f"*.{domain}", f"*.internal.{domain}"]
    environment.hidden["pem"] = world.certificates.issue(names, end)
    environment.hidden["end"] = clock.iso(end)
    world.runtime.put_certificate(environment.key, environment.hidden["pem"])


async def _check_name(call: Call, environment: Record) -> Body:
    """Whether a name is free for something in this environment, such as a certificate."""
    name, type = str(call.body.get("name", "")), str(call.body.get("type", "")).rsplit("/", 1)[-1]
    if call.world.store.find(f"{environment.id}/{type}/{name}") is None:
        return {"nameAvailable": True}
    text = f"The name '{name}' is already in use in the environment '{environment.name}'."
    return {"nameAvailable": False, "reason": "AlreadyExists", "message": text}


async def _remove(world: World, record: Record) -> None:
    for served in (record, *world.store.records(record.id)):
        world.runtime.delete_certificate(served.key)


def _deletable(world: World, record: Record) -> None:
    inside = len(apps_in(world, record.id))
    if inside:
        text = f"The specified environment {record.name} cannot be deleted because it still contains {inside} apps."
        raise ArmError(409, "ManagedEnvironmentHasContainerApps", text)


def _busy(operation: Operation) -> ArmError:
    text = (
        f"Cannot modify Container Apps environment {operation.name} because another operation is in progress. "
        f"OperationId: '{operation.guid}'"
    )
    return ArmError(409, "ManagedEnvironmentOperationInProgress", text)


def _vanished(id: Id) -> ArmError:
    """A deletion that still runs: for readers the environment is gone, and its provider says so in its own form."""
    text = f"The managed environment '{id.name}' was not found in resource group '{id.group}'."
    return ArmError(404, "ManagedEnvironmentNotFound", text, flat=True)


KINDS = (
    Kind(
        ENVIRONMENT,
        name=NameRule(
            r"(?!.*--)[A-Za-z][A-Za-z0-9-]{0,58}[A-Za-z0-9]",
            "ManagedEnvironmentInvalidName",
            "Invalid managed environment name '{name}': letters, digits and single hyphens, at most 60, starting "
            "with a letter and ending with a letter or digit.",
        ),
        put="environment.put",
        patch="environment.patch",
        delete="environment.delete",
        states=States(creating="Waiting", updating="Updating", deleting="ScheduledForDelete"),
        unchanged="sync.200",
        echo="display",
        system_data=True,
        rank=15,
        kept=("defaultDomain", "staticIp", "infrastructureResourceGroup"),
        defaults={
            "zoneRedundant": False,
            "kedaConfiguration": {"version": "2.17.2"},
            "daprConfiguration": {"version": "1.13.6-msft.6"},
            "peerAuthentication": {"mtls": {"enabled": False}},
            "peerTrafficConfiguration": {"encryption": {"enabled": False}},
            "publicNetworkAccess": "Enabled",
        },
        check=_check,
        fill=_fill,
        apply=_apply,
        remove=_remove,
        deletable=_deletable,
        busy=_busy,
        vanished=_vanished,
        actions={"checkNameAvailability": _check_name},
    ),
)
