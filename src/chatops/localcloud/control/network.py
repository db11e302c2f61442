"""Microsoft.Network virtual networks and subnets: delegations, and who uses a subnet.

Subnets are resources of their own and also appear inside their network; a PUT of the network replaces them all.
https://learn.microsoft.com/rest/api/virtualnetwork/virtual-networks
"""

from __future__ import annotations

import json
import uuid
from functools import partial

from ..bodies import underlay
from ..errors import ArmError
from ..ids import Id
from ..polling import POLL_MS, Operation
from ..resource_types import ENVIRONMENT, SERVER
from ..store import Body, Record
from ..world import World
from .addresses import check_subnets, ranges
from .kind import Change, Kind, NameRule, States

NETWORK = "Microsoft.Network/virtualNetworks"
SUBNET = "Microsoft.Network/virtualNetworks/subnets"
JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"
APPS = "Microsoft.App/environments"
USERS = (
    (ENVIRONMENT, ("vnetConfiguration", "infrastructureSubnetId"), APPS),
    (SERVER, ("network", "delegatedSubnetResourceId"), SERVER),
)
"""Resource type -> the property that names the subnet it lies in, and the service that the subnet is delegated to."""
LINKS = {APPS: "legionservicelink"}
STATES = States(creating="Updating", updating="Updating")
NAME = NameRule(r"[A-Za-z0-9]([\w.-]{0,78}\w)?", "InvalidResourceName", "Resource name {name} is invalid.")
SUBNET_DEFAULTS = {
    "delegations": [],
    "privateEndpointNetworkPolicies": "Disabled",
    "privateLinkServiceNetworkPolicies": "Enabled",
}


def users(world: World, subnet: str) -> list[tuple[Record, str]]:
    """The resources that lie in this subnet, each with the service that it was delegated to."""
    found = []
    for type, (outer, inner), service in USERS:
        for record in world.store.records(type=type):
            if str(record.properties.get(outer, {}).get(inner, "")).lower() == subnet.lower():
                found.append((record, service))
    return found


def _check_network(change: Change) -> None:
    subnets = change.properties.get("subnets", [])
    if change.call.method == "PATCH":
        return
    check_subnets(change.record, subnets)
    kept = {str(subnet.get("name", "")).lower() for subnet in subnets}
    for record in change.world.store.records(change.record.id, SUBNET):
        if record.name.lower() not in kept:
            _deletable_subnet(change.world, record)
    for subnet in subnets:
        previous = change.world.store.find(f"{change.record.id}/subnets/{subnet['name']}")
        _keep_delegations(change.world, subnet, previous)


def _fill_network(change: Change) -> None:
    change.properties.setdefault("resourceGuid", str(uuid.uuid4()))
    subnets = [_subnet(change.record, subnet) for subnet in change.properties.pop("subnets", None) or []]
    if change.call.method != "PATCH":
        change.beside.append(partial(_replace_subnets, change.world, change.record.id, subnets))


def _replace_subnets(world: World, network: str, subnets: list[Record]) -> None:
    for record in world.store.records(network, SUBNET):
        world.store.forget(record.id)
    for subnet in subnets:
        world.store.save(subnet)


def _subnet(network: Record, wanted: Body) -> Record:
    """The stored form of a subnet that came inside its network."""
    id = f"{network.id}/subnets/{wanted['name']}"
    properties = {**wanted.get("properties", {}), "provisioningState": "Succeeded"}
    body = {"id": id, "name": wanted["name"], "type": SUBNET, "etag": network.body["etag"], "properties": properties}
    record = Record(id, SUBNET, body)
    _complete(record)
    return record


def _complete(record: Record) -> None:
    properties = record.properties
    for computed in ("serviceAssociationLinks", "ipConfigurations", "purpose"):
        properties.pop(computed, None)
    underlay(properties, SUBNET_DEFAULTS)
    properties["delegations"] = [
        {
            "name": delegation.get("name", service),
            "id": f"{record.id}/delegations/{delegation.get('name', service)}",
            "type": f"{SUBNET}/delegations",
            "properties": {"provisioningState": "Succeeded", "serviceName": service, "actions": [JOIN]},
        }
        for delegation in properties["delegations"]
        for service in [delegation.get("properties", {}).get("serviceName", "")]
    ]


def _check_subnet(change: Change) -> None:
    network = change.world.store.find(change.id.parent or "")
    if network is None:
        return
    others = change.world.store.records(network.id, SUBNET)
    bodies = [other.body for other in others if other.key != change.id.key]
    check_subnets(network, [*bodies, change.record.body])
    _keep_delegations(change.world, change.record.body, change.previous)


def services(subnet: Body) -> set[str]:
    """The services that a subnet is delegated to, lower-case."""
    delegations = subnet.get("properties", {}).get("delegations", [])
    return {str(delegation.get("properties", {}).get("serviceName", "")).lower() for delegation in delegations}


def _keep_delegations(world: World, wanted: Body, previous: Record | None) -> None:
    """A subnet in use keeps its delegation and its addresses."""
    if previous is None or not (inside := users(world, previous.id)):
        return
    if services(wanted) != services(previous.body):
        text = (
            f"Delegations of subnet {previous.id} cannot be changed from {sorted(services(previous.body))} because it "
            f"is being used by the resource {inside[0][0].id}."
        )
        raise ArmError(400, "SubnetDelegationsCannotChange", text, details=[])
    if ranges(wanted, previous.id) != ranges(previous.body, previous.id):
        text = f"Subnet {previous.name} is in use and cannot be updated."
        raise ArmError(400, "InUseSubnetCannotBeUpdated", text, details=[])


def _fill_subnet(change: Change) -> None:
    _complete(change.record)


def _show_network(world: World, record: Record) -> Body:
    subnets = [_show_subnet(world, subnet) for subnet in world.store.records(record.id, SUBNET)]
    return {**record.body, "etag": _etag(world, record), "properties": {**record.properties, "subnets": subnets}}


def _etag(world: World, network: Record) -> str:
    """One for a network and its subnets, another after every change of any of them, of their states too."""
    every = [network.body, *(subnet.body for subnet in world.store.records(network.id, SUBNET))]
    return f'W/"{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(every, sort_keys=True))}"'


def _show_subnet(world: World, record: Record) -> Body:
    links = [
        {
            "name": LINKS.get(service) or f"{uuid.uuid5(uuid.NAMESPACE_URL, user.key)}-service-association-link",
            "properties": {
                "provisioningState": "Succeeded",
                "linkedResourceType": service,
                "allowDelete": False,
                "enabledForArmDeployments": False,
                "locations": [],
            },
        }
        for user, service in users(world, record.id)
    ]
    network = world.store.find(record.id.rsplit("/subnets/", 1)[0])
    body = {**record.body, "etag": _etag(world, network)} if network else record.body
    return {**body, "properties": {**record.properties, "serviceAssociationLinks": links}} if links else body


def _deletable_subnet(world: World, record: Record) -> None:
    for user, _ in users(world, record.id):
        text = (
            f"Subnet {record.name} is in use by {user.id} and cannot be deleted. In order to delete the subnet, delete "
            "all the resources within the subnet. See aka.ms/deletesubnet."
        )
        raise ArmError(400, "InUseSubnetCannotBeDeleted", text, details=[])


def _deletable_network(world: World, record: Record) -> None:
    for subnet in world.store.records(record.id, SUBNET):
        _deletable_subnet(world, subnet)


def _no_subnet(id: Id) -> ArmError:
    return ArmError(404, "NotFound", f"Resource {id.text} not found.", details=[])


def _busy(operation: Operation) -> ArmError:
    detail = {
        "code": "RetryableErrorDueToAnotherOperation",
        "message": f"Operation {operation.verb} ({operation.guid}) is updating resource {operation.target}. The call "
        "can be retried in 1 seconds.",
    }
    text = "A retryable error occurred."
    return ArmError(429, "RetryableError", text, details=[detail], headers={"x-ms-retry-after-ms": str(POLL_MS)})


KINDS = (
    Kind(
        NETWORK,
        name=NAME,
        put="network.put",
        delete="network.delete",
        states=STATES,
        etag=True,
        rank=80,
        kept=("resourceGuid",),
        defaults={
            "virtualNetworkPeerings": [],
            "enableDdosProtection": False,
            "privateEndpointVNetPolicies": "Disabled",
        },
        check=_check_network,
        fill=_fill_network,
        show=_show_network,
        deletable=_deletable_network,
        busy=_busy,
    ),
    Kind(
        SUBNET,
        name=NAME,
        put="network.put",
        patch=None,
        delete="network.delete",
        states=STATES,
        location=None,
        etag=True,
        rank=79,
        check=_check_subnet,
        fill=_fill_subnet,
        show=_show_subnet,
        deletable=_deletable_subnet,
        missing=_no_subnet,
        busy=_busy,
    ),
)
