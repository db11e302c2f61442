"""What a subscription's limits say to a new resource: regions that refuse it, quotas that are used up, taken names.

The limits are the world's conditions; the codes and sentences are each provider's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import ArmError
from ..resource_types import ENVIRONMENT, REGISTRY, SERVER, VAULT
from ..store import Body
from ..world import World
from .kind import Call, Change, Endpoint
from .regions import REGIONS, flat, refused

DEFAULTS = {ENVIRONMENT: 20, SERVER: 100}
"""What the usages show when no quota is set; only a quota that is set is enforced."""


def check_limits(change: Change) -> None:
    """Refuse a new resource that the world's conditions do not allow."""
    type, name = change.kind.type, change.id.name
    if not change.new:
        return
    conditions = change.world.conditions.now
    if type in _TAKEN and conditions.taken(type, name):
        raise _TAKEN[type](name)
    location = str(change.record.body.get("location", ""))
    if conditions.restricts(type, location):
        raise _restricted(change, location)
    quota = conditions.quota(type)
    if quota is not None and used(change.world, type, location) >= quota:
        raise _used_up(type, location, quota)


def used(world: World, type: str, location: str) -> int:
    """How many resources of this type a region holds."""
    records = world.store.records(type=type)
    return sum(flat(str(record.body.get("location", ""))) == flat(location) for record in records)


def taken_vault(name: str) -> ArmError:
    text = (
        f"The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name "
        "is already taken."
    )
    return ArmError(409, "VaultAlreadyExists", text)


def taken_registry(name: str) -> ArmError:
    text = (
        f"The registry DNS name {name.lower()}.azurecr.io is already in use. You can check if the name is already "
        "claimed using following API: https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/"
        "checknameavailability"
    )
    return ArmError(409, "AlreadyInUse", text)


def taken_server(name: str) -> ArmError:
    return ArmError(409, "ServerNameAlreadyExists", "Specified server name is already used by another server.")


_TAKEN: Mapping[str, Callable[[str], ArmError]] = {
    VAULT: taken_vault,
    REGISTRY: taken_registry,
    SERVER: taken_server,
}


def _restricted(change: Change, location: str) -> ArmError:
    if change.kind.type == SERVER:
        text = f"Subscriptions are restricted from provisioning in location '{flat(location)}'. Try again in a"
        return ArmError(400, "LocationIsOfferRestricted", f"{text} different location.")
    conditions = change.world.conditions.now
    return refused(change.kind.type, location, [r for r in REGIONS if not conditions.restricts(change.kind.type, r)])


def _used_up(type: str, location: str, quota: int) -> ArmError:
    if type == ENVIRONMENT:
        text = (
            f"The subscription cannot have more than {quota} Container App Environments in {REGIONS[flat(location)]}. "
            "To request an increase, see https://aka.ms/aca-quota."
        )
        return ArmError(400, "MaxNumberOfRegionalEnvironmentsInSubExceeded", text)
    text = f"The quota of {quota} for '{type}' in location '{flat(location)}' is used up."
    return ArmError(409, "QuotaExceeded", text)


def _usage(call: Call, location: str, type: str, name: str, shown: str) -> Body:
    quota = call.world.conditions.now.quota(type)
    limit = DEFAULTS[type] if quota is None else quota
    counter = {"value": name, "localizedValue": shown}
    return {"unit": "Count", "currentValue": used(call.world, type, location), "limit": limit, "name": counter}


async def _environments(call: Call, found: Mapping[str, str]) -> Body:
    usage = _usage(call, found["location"], ENVIRONMENT, "ManagedEnvironmentCount", "Managed Environment Count")
    return {"value": [usage]}


async def _servers(call: Call, found: Mapping[str, str]) -> Body:
    return {"value": [_usage(call, found["location"], SERVER, "standardBSFamily", "Standard BS Family vCPUs")]}


_APP = "/subscriptions/{subscription}/providers/Microsoft.App/locations/{location}/usages"
_PG = (
    "/subscriptions/{subscription}/providers/Microsoft.DBforPostgreSQL/locations/{location}/resourceType/"
    "flexibleServers/usages"
)

ENDPOINTS = (Endpoint("GET", _APP, _environments), Endpoint("GET", _PG, _servers))
