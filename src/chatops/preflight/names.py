"""Names that are unique in the world: free, or ours already. A vault's name is also held by its deleted twin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling
from chatops.azure.clients import Azure
from chatops.preflight.check import Finding, Wanted
from chatops.preflight.places import flat

RENAME = "change `name` in the configuration"


@dataclass(frozen=True)
class Claim:
    """One such name: which resource of the stack has it, and who says whether it is free."""

    check: str
    kind: str
    type: str
    api_version: str
    name_in: Callable[[Wanted], str]
    ask: Callable[[Azure, Any], Any]


REGISTRY = Claim(
    "registry name",
    "container registry",
    "Microsoft.ContainerRegistry/registries",
    "2025-11-01",
    lambda wanted: wanted.registry,
    lambda azure, request: azure.registries.registries.check_name_availability(request),
)
SERVER = Claim(
    "database server name",
    "PostgreSQL server",
    "Microsoft.DBforPostgreSQL/flexibleServers",
    "2025-08-01",
    lambda wanted: wanted.server,
    lambda azure, request: azure.postgres.name_availability.check_globally(request),
)
VAULT = Claim(
    "vault name",
    "key vault",
    "Microsoft.KeyVault/vaults",
    "2026-02-01",
    lambda wanted: wanted.vault,
    lambda azure, request: azure.vaults.vaults.check_name_availability(request),
)


def registry_name(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """The registry's name is free or ours."""
    yield _ours(azure, wanted, REGISTRY) or _asked(azure, wanted, REGISTRY)


def server_name(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """The database server's name is free or ours."""
    yield _ours(azure, wanted, SERVER) or _asked(azure, wanted, SERVER)


def vault_name(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """The vault's name is free, ours, or held by a deleted vault of ours that `up` will recover."""
    yield _ours(azure, wanted, VAULT) or _twin(azure, wanted) or _asked(azure, wanted, VAULT)


def _ours(azure: Azure, wanted: Wanted, claim: Claim) -> Finding | None:
    name = claim.name_in(wanted)
    there = azure.read(wanted.id(claim.type, name), claim.api_version)
    return None if there is None else Finding(claim.check, f"{name} is the stack's own")


def _asked(azure: Azure, wanted: Wanted, claim: Claim) -> Finding:
    name = claim.name_in(wanted)
    with calling("checking the name of", f"{claim.kind} '{name}'"):
        answer = claim.ask(azure, {"name": name, "type": claim.type})
    if answer.name_available:
        return Finding(claim.check, f"{name} is free")
    return Finding(claim.check, f"{name} is taken: {answer.message or answer.reason}", RENAME)


def _twin(azure: Azure, wanted: Wanted) -> Finding | None:
    """A deleted vault of that name, as far as we may see it: it holds the name until it is purged."""
    where = f"{wanted.subscription_id}/providers/Microsoft.KeyVault/deletedVaults"
    listed = (azure.read(where, VAULT.api_version) or {}).get("value", [])
    twin = next((one["properties"] for one in listed if one["name"].lower() == wanted.vault.lower()), None)
    if twin is None:
        return None
    location, until = flat(str(twin.get("location", ""))), str(twin.get("scheduledPurgeDate", ""))[:10]
    ours = str(twin.get("vaultId", "")).lower() == wanted.id(VAULT.type, wanted.vault).lower()
    if ours and location == wanted.location:
        return Finding(VAULT.check, f"{wanted.vault} was deleted and is kept until {until}: up recovers it")
    found = f"{wanted.vault} is held until {until} by a deleted vault in {location}: {twin.get('vaultId')}"
    if twin.get("purgeProtectionEnabled"):
        return Finding(VAULT.check, f"{found}; purge protection keeps it", RENAME)
    return Finding(VAULT.check, found, f"az keyvault purge --name {wanted.vault} --location {location}, or {RENAME}")
