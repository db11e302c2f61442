"""What surrounds the resources: subscriptions, tenants, locations, and the registration of resource providers."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import gateway, unknown_namespace, unknown_version
from ..store import Body
from ..world import World
from .kind import Call, Endpoint, Kind
from .regions import REGIONS

SPACE = "providers"
VERSIONS: Mapping[str, tuple[str, ...]] = {
    "Microsoft.App": ("2026-07-01", "2026-01-01", "2025-07-01", "2025-01-01", "2024-03-01", "2023-05-01"),
    "Microsoft.Authorization": ("2022-04-01",),
    "Microsoft.Consumption": ("2024-08-01", "2023-05-01"),
    "Microsoft.ContainerRegistry": ("2025-11-01", "2025-04-01", "2025-03-01-preview", "2023-07-01"),
    "Microsoft.CostManagement": ("2025-03-01", "2023-11-01"),
    "Microsoft.DBforPostgreSQL": ("2026-10-01", "2025-08-01", "2024-08-01", "2023-06-01-preview"),
    "Microsoft.Insights": ("2024-02-01", "2023-10-01", "2018-01-01"),
    "Microsoft.KeyVault": ("2026-05-15", "2026-02-01", "2024-11-01", "2023-07-01"),
    "Microsoft.ManagedIdentity": ("2024-11-30", "2023-01-31"),
    "Microsoft.Network": ("2026-03-01", "2025-07-01", "2024-06-01", "2018-09-01", "2018-05-01"),
    "Microsoft.OperationalInsights": ("2025-07-01", "2023-09-01", "2022-10-01"),
    "Microsoft.Resources": ("2025-04-01", "2024-11-01", "2021-04-01"),
}

TELLING = ("Microsoft.App", "Microsoft.ContainerRegistry", "Microsoft.OperationalInsights")
FIRST_VERSION = "2014-04-01"
NEWEST_VERSION = max(versions[0] for versions in VERSIONS.values())


def registration(world: World, namespace: str) -> str:
    """`Registered` unless the operator has unregistered the provider."""
    found = world.store.get(SPACE, namespace.lower())
    return str(found["state"]) if found else "Registered"


def require_registered(world: World, namespace: str) -> None:
    """Refuse writes to a provider that the subscription is not registered for."""
    if registration(world, namespace) == "Registered":
        return
    text = (
        f"The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found for how"
    )
    detail = {
        "code": "MissingSubscriptionRegistration",
        "target": namespace,
        "message": f"{text} to register subscriptions.",
    }
    raise gateway(409, "MissingSubscriptionRegistration", detail["message"], details=[detail])


def supported_versions(path: str) -> dict[str, str]:
    """The header with which some providers tell their api-versions on every answer of theirs."""
    _, _, rest = path.rpartition("/providers/")
    namespace = next((name for name in TELLING if rest.lower().startswith(f"{name.lower()}/")), None)
    return {"api-supported-versions": ", ".join(reversed(VERSIONS[namespace]))} if namespace else {}


def require_version(kind: Kind, version: str) -> None:
    """Refuse an api-version from before the service existed or after the newest that is known."""
    known = VERSIONS[kind.type.split("/")[0]]
    if version[:10] < FIRST_VERSION or version[:10] > NEWEST_VERSION:
        raise unknown_version(kind.type, version, known, list(REGIONS))


def _provider(world: World, namespace: str) -> Body:
    types = sorted(kind.type.split("/", 1)[1] for kind in world.kinds.values() if kind.type.split("/")[0] == namespace)
    shown = [
        {"resourceType": type, "locations": _offered(world, namespace, type), "apiVersions": list(VERSIONS[namespace])}
        for type in types
    ]
    return {
        "id": f"{world.settings.scope}/providers/{namespace}",
        "namespace": namespace,
        "registrationPolicy": "RegistrationRequired",
        "registrationState": registration(world, namespace),
        "resourceTypes": shown,
    }


def _offered(world: World, namespace: str, type: str) -> list[str]:
    """The display names of the regions that do not refuse this type; PostgreSQL's refusals show in its capabilities."""
    restricts = world.conditions.now.restricts
    hidden = namespace == "Microsoft.DBforPostgreSQL"
    return [shown for name, shown in REGIONS.items() if hidden or not restricts(f"{namespace}/{type}", name)]


def _named(text: str) -> str:
    for namespace in VERSIONS:
        if namespace.lower() == text.lower():
            return namespace
    raise unknown_namespace(text)


async def _list(call: Call, found: Mapping[str, str]) -> Body:
    return {"value": [_provider(call.world, namespace) for namespace in VERSIONS]}


async def _get(call: Call, found: Mapping[str, str]) -> Body:
    return _provider(call.world, _named(found["namespace"]))


async def _register(call: Call, found: Mapping[str, str]) -> Body:
    namespace = _named(found["namespace"])
    call.world.store.put(SPACE, namespace.lower(), {"state": "Registered"})
    return _provider(call.world, namespace)


async def _unregister(call: Call, found: Mapping[str, str]) -> Body:
    namespace = _named(found["namespace"])
    call.world.store.put(SPACE, namespace.lower(), {"state": "Unregistered"})
    return _provider(call.world, namespace)


def _subscription(world: World) -> Body:
    return {
        "id": world.settings.scope,
        "authorizationSource": "RoleBased",
        "subscriptionId": world.settings.subscription,
        "tenantId": world.settings.tenant,
        "displayName": "Local cloud",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": world.conditions.now.offer,
            "spendingLimit": "Off",
        },
        "managedByTenants": [],
    }


async def _subscriptions(call: Call, found: Mapping[str, str]) -> Body:
    return {"value": [_subscription(call.world)]}


async def _one_subscription(call: Call, found: Mapping[str, str]) -> Body:
    return _subscription(call.world)


async def _tenants(call: Call, found: Mapping[str, str]) -> Body:
    tenant = call.world.settings.tenant
    return {"value": [{"id": f"/tenants/{tenant}", "tenantId": tenant, "displayName": "Local cloud"}]}


async def _locations(call: Call, found: Mapping[str, str]) -> Body:
    scope = call.world.settings.scope
    metadata = {"regionType": "Physical", "regionCategory": "Recommended"}
    return {
        "value": [
            {"id": f"{scope}/locations/{name}", "name": name, "displayName": shown, "metadata": metadata}
            for name, shown in REGIONS.items()
        ]
    }


_PROVIDER = "/subscriptions/{subscription}/providers/{namespace}"

ENDPOINTS = (
    Endpoint("GET", "/subscriptions", _subscriptions, action=""),
    Endpoint("GET", "/subscriptions/{subscription}", _one_subscription),
    Endpoint("GET", "/subscriptions/{subscription}/locations", _locations),
    Endpoint("GET", "/tenants", _tenants, action=""),
    Endpoint("GET", "/subscriptions/{subscription}/providers", _list),
    Endpoint("GET", _PROVIDER, _get),
    Endpoint("POST", _PROVIDER + "/register", _register, "Microsoft.Resources/subscriptions/providers/register/action"),
    Endpoint("POST", _PROVIDER + "/unregister", _unregister, "Microsoft.Resources/subscriptions/providers/write"),
)
