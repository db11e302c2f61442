"""What PostgreSQL flexible server offers: name checks, the private zone's suffix, and capabilities per region.

The capabilities are few but in Azure's own shape, so that a client's preflight reads them as it would the real ones.
https://learn.microsoft.com/rest/api/postgresql/capabilities-by-location
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from starlette.responses import JSONResponse, Response

from ..resource_types import SERVER
from ..store import Body
from .kind import Call, Endpoint
from .postgres import DOMAIN, VERSIONS, by_name

FEATURES = {"FastProvisioning": "Disabled", "GeoBackup": "Enabled", "OfferRestricted": "Disabled"}
SIZES = ((32768, 120, "P4"), (65536, 240, "P6"), (131072, 500, "P10"), (262144, 1100, "P15"), (524288, 2300, "P20"))
KINDS_OF_SIZE = ("ds_v5", "ads_v5", "ds_v4", "s_v3")
# name, vCores, MB of memory per vCore
EDITIONS: Mapping[str, tuple[tuple[str, int, int], ...]] = {
    "Burstable": (
        ("Standard_B1ms", 1, 2048),
        ("Standard_B2s", 2, 2048),
        *((f"Standard_B{cores}ms", cores, 4096) for cores in (2, 4, 8, 12, 16, 20)),
    ),
    "GeneralPurpose": tuple(
        (f"Standard_D{cores}{kind}", cores, 4096) for kind in KINDS_OF_SIZE for cores in (2, 4, 8, 16, 32, 48, 64, 96)
    ),
    "MemoryOptimized": tuple(
        (f"Standard_E{cores}{kind}", cores, 8192) for kind in KINDS_OF_SIZE for cores in (2, 4, 8, 16, 20, 32, 48, 64)
    ),
}
ALL_SKUS = tuple(sku for sizes in EDITIONS.values() for sku, _, _ in sizes)


async def _available(call: Call, found: Mapping[str, str]) -> Body:
    name = str(call.body.get("name", ""))
    common = {"name": name, "type": call.body.get("type", SERVER)}
    if call.world.conditions.now.taken(SERVER, name) or by_name(call.world, name):
        text = "Specified server name is already used."
        return {**common, "nameAvailable": False, "reason": "AlreadyExists", "message": text}
    return {**common, "nameAvailable": True, "message": ""}


async def _suffix(call: Call, found: Mapping[str, str]) -> Response:
    return JSONResponse(DOMAIN)


async def _capabilities(call: Call, found: Mapping[str, str]) -> Body:
    place = found.get("location") or _location(call, found)
    restricted = "Enabled" if call.world.conditions.now.restricts(SERVER, place) else "Disabled"
    offered = {**FEATURES, "OfferRestricted": restricted}
    features = [{"name": name, "status": status} for name, status in offered.items()]
    versions, skus = (
        _offered(call, what, names, place) for what, names in (("versions", VERSIONS), ("skus", ALL_SKUS))
    )
    capability: Body = {
        "name": "FlexibleServerCapabilities",
        "supportedServerEditions": [_edition(name, skus) for name in EDITIONS],
        "supportedServerVersions": [{"name": version, "supportedVersionsToUpgrade": []} for version in versions],
        "supportedFeatures": features,
        "fastProvisioningSupported": "Disabled",
        "geoBackupSupported": "Enabled",
        "zoneRedundantHaSupported": "Enabled",
        "storageAutoGrowthSupported": "Enabled",
        "onlineResizeSupported": "Enabled",
        "restricted": restricted,
    }
    if restricted == "Enabled":
        text = (
            f"Subscriptions are restricted from provisioning in location '{place}'. Try again in a different location."
        )
        capability.update(reason=text, supportedServerEditions=[])
    return {"value": [capability]}


def _offered(call: Call, what: str, names: Iterable[str], place: str) -> list[str]:
    """A size or a version may be restricted too, as `Microsoft.DBforPostgreSQL/flexibleServers/versions/18`."""
    restricts = call.world.conditions.now.restricts
    return [name for name in names if not restricts(f"{SERVER}/{what}/{name}", place)]


def _location(call: Call, found: Mapping[str, str]) -> str:
    server = call.world.store.find(call.id.text.rsplit("/", 1)[0])
    return str(server.body["location"]) if server else ""


def _edition(name: str, offered: Sequence[str]) -> Body:
    skus = [
        {
            "name": sku,
            "vCores": cores,
            "supportedIops": 640 * cores,
            "supportedMemoryPerVcoreMb": memory,
            "supportedZones": ["1", "2", "3"],
            "supportedHaMode": [] if name == "Burstable" else ["SameZone", "ZoneRedundant"],
        }
        for sku, cores, memory in EDITIONS[name]
        if sku in offered
    ]
    sizes = [
        {
            "storageSizeMb": megabytes,
            "supportedIops": iops,
            "defaultIopsTier": tier,
            "supportedIopsTiers": [{"name": tier, "iops": iops}],
        }
        for megabytes, iops, tier in SIZES
    ]
    storage = {"name": "ManagedDisk", "defaultStorageSizeMb": SIZES[0][0], "supportedStorageMb": sizes}
    first = skus[0]["name"] if skus else None
    return {"name": name, "defaultSkuName": first, "supportedServerSkus": skus, "supportedStorageEditions": [storage]}


_NAMESPACE = "/providers/Microsoft.DBforPostgreSQL"
_PROVIDER = "/subscriptions/{subscription}" + _NAMESPACE
_SERVER = "/subscriptions/{subscription}/resourceGroups/{group}" + _NAMESPACE + "/flexibleServers/{name}"

ENDPOINTS = (
    Endpoint("POST", _PROVIDER + "/checkNameAvailability", _available),
    Endpoint("POST", _PROVIDER + "/locations/{location}/checkNameAvailability", _available),
    Endpoint("GET", _PROVIDER + "/locations/{location}/capabilities", _capabilities),
    Endpoint("GET", _SERVER + "/capabilities", _capabilities),
    Endpoint("POST", "/providers/Microsoft.DBforPostgreSQL/getPrivateDnsZoneSuffix", _suffix, action=""),
)
