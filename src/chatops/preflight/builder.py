"""Who builds the images: a Docker engine here, or the registry, whose build service not every subscription is given.

https://learn.microsoft.com/azure/container-registry/container-registry-tasks-overview
"""

from __future__ import annotations

from collections.abc import Iterator

from chatops.azure.clients import Azure
from chatops.preflight.check import Finding, Wanted

API = "2022-12-01"
REFUSED = ("FreeTrial", "AzurePass", "DreamSpark", "AzureForStudents")
REMEDY = "start Docker here (images.builder auto or docker builds with it), or use a subscription that is no trial"


def builder(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """A builder is there, and where that is the registry the subscription's offer lets it build."""
    offer = _offer(azure, wanted) if wanted.registry_builds else ""
    if offer.startswith(REFUSED):
        yield Finding("image builder", f"{wanted.builder.found}; registries of {offer} may not build images", REMEDY)
    else:
        yield wanted.builder


def _offer(azure: Azure, wanted: Wanted) -> str:
    body = azure.read(wanted.subscription_id, API) or {}
    return str((body.get("subscriptionPolicies") or {}).get("quotaId", ""))
