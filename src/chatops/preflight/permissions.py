"""What the signed-in principal may do: make resources, and give roles to the stack's managed identity.

https://learn.microsoft.com/rest/api/authorization/permissions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from chatops.azure.clients import Azure
from chatops.preflight.check import Finding, Wanted

API = "2022-04-01"
ASSIGN = "Microsoft.Authorization/roleAssignments/write"
WRITES = (
    "Microsoft.Resources/subscriptions/resourceGroups/write",
    "Microsoft.Network/virtualNetworks/write",
    "Microsoft.Network/privateDnsZones/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/write",
    "Microsoft.KeyVault/vaults/write",
    "Microsoft.DBforPostgreSQL/flexibleServers/write",
    "Microsoft.ContainerRegistry/registries/write",
    "Microsoft.OperationalInsights/workspaces/write",
    "Microsoft.App/managedEnvironments/write",
    "Microsoft.App/containerApps/write",
)


def permissions(azure: Azure, wanted: Wanted) -> Iterator[Finding]:
    """Every write of `up` is allowed at the group, or at the subscription while there is no group."""
    there = azure.read(wanted.group_id, "2025-04-01") is not None
    scope = wanted.group_id if there else wanted.subscription_id
    body = azure.read(f"{scope}/providers/Microsoft.Authorization/permissions", API)
    granted = (body or {}).get("value", [])
    missing = [action for action in WRITES if not _allowed(action, granted)]
    who = azure.operator.object_id
    if missing:
        todo = f"ask an owner: az role assignment create --assignee {who} --role Contributor --scope {scope}"
        yield Finding("write permission", f"not allowed at {scope}: {', '.join(missing)}", todo)
    else:
        yield Finding("write permission", f"all {len(WRITES)} kinds of resources at {scope}")
    if _allowed(ASSIGN, granted):
        yield Finding("role permission", f"{ASSIGN} at {scope}")
        return
    role = "'Role Based Access Control Administrator'"
    todo = f"ask an owner: az role assignment create --assignee {who} --role {role} --scope {scope}"
    yield Finding("role permission", f"not allowed at {scope}: {ASSIGN}", todo)


def _allowed(action: str, granted: Iterable[dict[str, list[str]]]) -> bool:
    return any(
        _matches(action, one.get("actions") or ()) and not _matches(action, one.get("notActions") or ())
        for one in granted
    )


def _matches(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
