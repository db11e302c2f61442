"""Quotas of the subscription in the region: used, limit, needed.

https://learn.microsoft.com/rest/api/resource-manager/containerapps/usages
"""

from __future__ import annotations

from collections.abc import Iterator

from chatops.azure.clients import Azure
from chatops.preflight.check import Finding, Wanted

API = "2026-01-01"
PORTAL = "https://portal.azure.com/#view/Microsoft_Azure_Capacity/QuotaMenuBlade/~/myQuotas"


def quotas(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """There is room for one more environment, or ours is there already."""
    if azure.read(wanted.id("Microsoft.App/managedEnvironments", wanted.environment), API) is not None:
        yield Finding("quota: environments", "the stack's own is there already")
        return
    where = f"{wanted.subscription_id}/providers/Microsoft.App/locations/{wanted.location}/usages"
    usages = {one["name"]["value"]: one for one in (azure.read(where, API) or {}).get("value", [])}
    if (usage := usages.get("ManagedEnvironmentCount")) is None:
        yield Finding("quota: environments", f"Azure does not tell any for {wanted.location}")
        return
    used, limit = int(usage["currentValue"]), int(usage["limit"])
    counted = f"{used} used, limit {limit}, 1 needed in {wanted.location}"
    todo = f"delete an environment, set another location, or ask for more: {PORTAL}"
    yield Finding("quota: environments", counted, todo if used + 1 > limit else None)
