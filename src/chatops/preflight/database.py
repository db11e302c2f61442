"""What PostgreSQL offers this subscription in the region: is it restricted, does it have the size and the version.

https://learn.microsoft.com/rest/api/postgresql/capabilities-by-location
"""

from __future__ import annotations

from collections.abc import Iterator

from chatops.azure.calls import JsonBody
from chatops.azure.clients import Azure
from chatops.errors import CloudError
from chatops.preflight.check import Finding, Wanted
from chatops.preflight.places import nearest
from chatops.preflight.providers import locations

API = "2025-08-01"
PROVIDERS_API = "2025-04-01"
TRIED = 8
NAMED = 3


def database(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """The server's size and version can be had in the region; where not, the nearest regions where they can."""
    trouble = _trouble(_capability(azure, wanted, wanted.location), wanted)
    if trouble is None:
        yield Finding("PostgreSQL offer", f"{wanted.sku} and version {wanted.version} in {wanted.location}")
        return
    found, todo = trouble
    near = _where_it_works(azure, wanted)
    yield Finding("PostgreSQL offer", found, todo + (f"; it can be had in {', '.join(near)}" if near else ""))


def _capability(azure: Azure, wanted: Wanted, location: str) -> JsonBody:
    where = f"{wanted.subscription_id}/providers/Microsoft.DBforPostgreSQL/locations/{location}/capabilities"
    values = (azure.read(where, API) or {}).get("value") or [{}]
    return dict(values[0])


def _trouble(capability: JsonBody, wanted: Wanted) -> tuple[str, str] | None:
    editions = capability.get("supportedServerEditions") or []
    skus = [sku["name"] for one in editions if one["name"] == wanted.tier for sku in one["supportedServerSkus"]]
    versions = [one["name"] for one in capability.get("supportedServerVersions") or []]
    where = wanted.location
    if _restricted(capability) or not editions:
        return f"this subscription may not have PostgreSQL servers in {where}", "set another location"
    if wanted.sku.lower() not in (sku.lower() for sku in skus):
        some = ", ".join(skus[:6])
        return f"{wanted.sku} is not offered in {where}", f"set database.sku to one that is ({some} ...)"
    if wanted.version not in versions:
        newest = ", ".join(sorted(versions, key=int, reverse=True)[:4])
        return f"version {wanted.version} is not offered in {where}", f"set database.version to one of {newest}"
    return None


def _restricted(capability: JsonBody) -> bool:
    features = {one.get("name"): one.get("status") for one in capability.get("supportedFeatures") or []}
    return "Enabled" in (capability.get("restricted"), features.get("OfferRestricted"))


def _where_it_works(azure: Azure, wanted: Wanted) -> list[str]:
    provider = azure.read(f"{wanted.subscription_id}/providers/Microsoft.DBforPostgreSQL", PROVIDERS_API) or {}
    works: list[str] = []
    for location in nearest(wanted.location, locations(provider, "flexibleServers"), TRIED):
        try:
            if _trouble(_capability(azure, wanted, location), wanted) is None:
                works.append(location)
        except CloudError:
            continue
        if len(works) == NAMED:
            break
    return works
