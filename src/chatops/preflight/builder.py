"""Who builds the images: the registry's own build service, which Azure does not give to every subscription.

https://learn.microsoft.com/azure/container-registry/container-registry-tasks-overview
"""

from __future__ import annotations

from collections.abc import Iterator

from chatops.azure.clients import Azure
from chatops.preflight.check import Finding, Wanted

API = "2022-12-01"
REFUSED = ("FreeTrial", "AzurePass", "DreamSpark", "AzureForStudents")


def builder(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """The subscription's offer lets its registries build."""
    body = azure.read(wanted.subscription_id, API) or {}
    offer = str((body.get("subscriptionPolicies") or {}).get("quotaId", ""))
    if offer.startswith(REFUSED):
        todo = "use a subscription that is no trial, or ask Azure support to enable ACR Tasks"
        yield Finding("image builder", f"registries of {offer} may not build images", todo)
        return
    yield Finding("image builder", "the registry builds")
