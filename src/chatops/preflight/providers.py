"""Resource providers: registered for the subscription, and offering their services in the region."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from chatops.azure.calls import JsonBody, calling
from chatops.azure.clients import Azure
from chatops.errors import CloudError, Interrupted
from chatops.preflight.check import Finding, Wanted
from chatops.preflight.places import flat, nearest

API = "2025-04-01"
NEEDED = {
    "Microsoft.App": "managedEnvironments",
    "Microsoft.ContainerRegistry": "registries",
    "Microsoft.DBforPostgreSQL": "flexibleServers",
    "Microsoft.KeyVault": "vaults",
    "Microsoft.ManagedIdentity": "userAssignedIdentities",
    "Microsoft.Network": "virtualNetworks",
    "Microsoft.OperationalInsights": "workspaces",
}
"""Namespace -> the type of it that a stack needs in its region."""

REGISTERING_SECONDS = 300.0
LOOK_AGAIN_SECONDS = 2.0
LATER = "chatops doctor shows when it is done"


def providers(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """All providers are registered, and each offers its service in the region."""
    with ThreadPoolExecutor(len(NEEDED), thread_name_prefix="providers") as pool:
        found = dict(zip(NEEDED, pool.map(lambda name: _read(azure, wanted, name), NEEDED), strict=True))
    missing = [name for name, body in found.items() if body.get("registrationState") != "Registered"]
    if missing:
        todo = "chatops doctor --register, or: az provider register --namespace " + missing[0]
        yield Finding("resource providers", f"not registered: {', '.join(missing)}", todo)
    else:
        yield Finding("resource providers", f"{len(NEEDED)} are registered")
    for name, kind in NEEDED.items():
        yield from _offer(wanted.location, f"{name}/{kind}", locations(found[name], kind))


def locations(provider: JsonBody, kind: str) -> list[str]:
    """The regions that a provider names for one of its types, as Azure's short names."""
    types = provider.get("resourceTypes") or []
    return [flat(place) for one in types if one["resourceType"].lower() == kind.lower() for place in one["locations"]]


def register(azure: Azure, wanted: Wanted) -> list[str]:
    """Register what is missing and wait for it, five minutes at most; return the namespaces."""
    missing = [name for name in NEEDED if _read(azure, wanted, name).get("registrationState") != "Registered"]
    for name in missing:
        with calling("registering", name):
            azure.resources.providers.register(name)
    deadline = time.monotonic() + REGISTERING_SECONDS
    for name in missing:
        while _read(azure, wanted, name).get("registrationState") != "Registered":
            if time.monotonic() > deadline:
                raise CloudError(f"registering {name}", "it takes longer than five minutes", hint=LATER)
            if azure.stop.wait(LOOK_AGAIN_SECONDS):
                raise Interrupted("stopped waiting; the registration goes on")
    return missing


def _read(azure: Azure, wanted: Wanted, namespace: str) -> JsonBody:
    return azure.read(f"{wanted.subscription_id}/providers/{namespace}", API) or {}


def _offer(location: str, kind: str, offered: list[str]) -> Iterator[Finding]:
    if location in offered:
        yield Finding(f"region: {kind}", f"offered in {location}")
        return
    near = ", ".join(nearest(location, offered))
    todo = "set another location" + (f"; the nearest are {near}" if near else "")
    yield Finding(f"region: {kind}", f"not offered in {location}", todo)
