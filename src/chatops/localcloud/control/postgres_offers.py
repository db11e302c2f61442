"""What PostgreSQL flexible server offers: name checks, the private zone's suffix, and capabilities per region.

The capabilities are few but in Azure's own shape, so that a client's preflight reads them as it would the real ones.
https://learn.microsoft.com/rest/api/postgresql/capabilities-by-location
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from ..store import Body
from .kind import Call, Endpoint
from .postgres import DOMAIN, SERVER, VERSIONS, by_name

FEATURES = {"FastProvisioning": "Disabled", "GeoBackup": "Enabled", "OfferRestricted": "Disabled"}
SIZES = ((32768, 120, "P4"), (65536, 240, "P6"), (131072, 500, "P10"), (262144, 1100, "P15"), (524288, 2300, "P20"))
# name, vCores, MB of memory per vCore
EDITIONS: Mapping[str, tuple[tuple[str, int, int], ...]] = {
    "Burstable": (("Standard_B1ms", 1, 2048), ("Standard_B2s", 2, 2048), ("Standard_B2ms", 2, 4096)),
    "GeneralPurpose": (("Standard_D2ds_v5", 2, 4096), ("Standard_D4ds_v5", 4, 4096), ("Standard_D8ds_v5", 8, 4096)),
    "MemoryOptimized": (("Standard_E2ds_v5", 2, 8192), ("Standard_E4ds_v5", 4, 8192)),
}


async def _available(call: Call, found: Mapping[str, str]) -> Body:
    name = str(call.body.get("name", ""))
    common = {"name": name, "type": call.body.get("type", "Microsoft.DBforPostgreSQL/flexibleServers")}
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
    capability: Body = {
        "name": "FlexibleServerCapabilities",
        "supportedServerEditions": [_edition(name) for name in EDITIONS],
        "supportedServerVersions": [{"name": version, "supportedVersionsToUpgrade": []} for version in VERSIONS],
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


def _location(call: Call, found: Mapping[str, str]) -> str:
    server = call.world.store.find(call.id.text.rsplit("/", 1)[0])
    return str(server.body["location"]) if server else ""


def _edition(name: str) -> Body:
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
    first = skus[0]["name"]
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
