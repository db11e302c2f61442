"""Names that are unique in the world: free, or ours already. A vault's name is also held by its deleted twin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatops.azure.calls import calling
from chatops.azure.clients import Azure
from chatops.preflight.check import Finding, Wanted

VAULT, REGISTRY = "Microsoft.KeyVault/vaults", "Microsoft.ContainerRegistry/registries"
SERVER = "Microsoft.DBforPostgreSQL/flexibleServers"
RENAME = "change `name` in the configuration"


def registry_name(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """The registry's name is free or ours."""
    if azure.read(wanted.id(REGISTRY, wanted.registry), "2025-11-01") is not None:
        yield _ours("registry name", wanted.registry)
        return
    request: Any = {"name": wanted.registry, "type": REGISTRY}
    with calling("checking the name of", f"container registry '{wanted.registry}'"):
        answer = azure.registries.registries.check_name_availability(request)
    yield _answered("registry name", wanted.registry, answer)


def server_name(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """The database server's name is free or ours."""
    if azure.read(wanted.id(SERVER, wanted.server), "2025-08-01") is not None:
        yield _ours("database server name", wanted.server)
        return
    request: Any = {"name": wanted.server, "type": SERVER}
    with calling("checking the name of", f"PostgreSQL server '{wanted.server}'"):
        answer = azure.postgres.name_availability.check_globally(request)
    yield _answered("database server name", wanted.server, answer)


def vault_name(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """The vault's name is free, ours, or held by a deleted vault of ours that `up` will recover."""
    if azure.read(wanted.id(VAULT, wanted.vault), "2026-02-01") is not None:
        yield _ours("vault name", wanted.vault)
        return
    deleted = azure.read(f"{wanted.subscription_id}/providers/Microsoft.KeyVault/deletedVaults", "2026-02-01") or {}
    for twin in deleted.get("value", []):
        if twin["name"].lower() == wanted.vault.lower():
            yield _twin(wanted, twin["properties"])
            return
    request: Any = {"name": wanted.vault, "type": VAULT}
    with calling("checking the name of", f"key vault '{wanted.vault}'"):
        answer = azure.vaults.vaults.check_name_availability(request)
    yield _answered("vault name", wanted.vault, answer)


def _twin(wanted: Wanted, deleted: dict[str, Any]) -> Finding:
    location = str(deleted.get("location", "")).replace(" ", "").lower()
    until = str(deleted.get("scheduledPurgeDate", ""))[:10]
    ours = str(deleted.get("vaultId", "")).lower() == wanted.id(VAULT, wanted.vault).lower()
    if ours and location == wanted.location:
        return Finding("vault name", f"{wanted.vault} was deleted and is kept until {until}: up recovers it")
    found = f"{wanted.vault} is held until {until} by a deleted vault in {location}: {deleted.get('vaultId')}"
    if deleted.get("purgeProtectionEnabled"):
        return Finding("vault name", f"{found}; purge protection keeps it", RENAME)
    return Finding("vault name", found, f"az keyvault purge --name {wanted.vault} --location {location}, or {RENAME}")


def _ours(check: str, name: str) -> Finding:
    return Finding(check, f"{name} is the stack's own")


def _answered(check: str, name: str, answer: Any) -> Finding:
    if answer.name_available:
        return Finding(check, f"{name} is free")
    return Finding(check, f"{name} is taken: {answer.message or answer.reason}", RENAME)
