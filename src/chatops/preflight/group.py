"""The resource group and its networks: nobody else's stack, not under deletion, no overlapping addresses."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from chatops.azure.clients import Azure
from chatops.naming import OWNER_TAG
from chatops.preflight.check import Finding, Wanted
from chatops.preflight.places import flat

GROUPS_API, NETWORKS_API = "2025-04-01", "2025-07-01"
OTHER_GROUP = "set azure.resource_group to another name"


def group(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """The group is absent, or there to be used by this stack in this region."""
    body = azure.read(wanted.group_id, GROUPS_API)
    if body is None:
        yield Finding("resource group", f"{wanted.group} is free")
        return
    owner = (body.get("tags") or {}).get(OWNER_TAG)
    state = (body.get("properties") or {}).get("provisioningState")
    if state == "Deleting":
        todo = "wait until it is gone (minutes, with an environment in it), then run the same command again"
        yield Finding("resource group", f"{wanted.group} is being deleted", todo)
    elif owner not in (None, wanted.stack):
        yield Finding("resource group", f"{wanted.group} belongs to stack '{owner}'", OTHER_GROUP)
    elif flat(str(body["location"])) != wanted.location:
        todo = f"set location to {flat(str(body['location']))}, or {OTHER_GROUP.removeprefix('set ')}"
        yield Finding("resource group", f"{wanted.group} lies in {body['location']}, not in {wanted.location}", todo)
    else:
        yield Finding("resource group", f"{wanted.group} is there" + (" and the stack's own" if owner else ""))


def address_space(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """No other network of the group has addresses in common with the stack's: the two could never be peered."""
    ours = ip_network(wanted.address_space)
    for item in azure.inventory(wanted.group):
        if item["type"].lower() != "microsoft.network/virtualnetworks" or item["id"].endswith(f"/{wanted.network}"):
            continue
        body = azure.read(item["id"], NETWORKS_API) or {}
        ranges = body.get("properties", {}).get("addressSpace", {}).get("addressPrefixes", [])
        taken = [one for one in ranges if ip_network(one).version == 4 and ours.overlaps(ip_network(one))]
        if taken:
            name = item["id"].rsplit("/", 1)[-1]
            yield Finding(
                "address space",
                f"{ours} overlaps with {taken[0]} of virtual network '{name}'",
                "set network.address_space to a range of its own",
            )
            return
    yield Finding("address space", f"{ours} is free in {wanted.group}")
