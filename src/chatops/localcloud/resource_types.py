"""The resource types that more than one part of the local cloud speaks of, in their providers' spelling."""

from __future__ import annotations

APP = "Microsoft.App/containerApps"
ENVIRONMENT = "Microsoft.App/managedEnvironments"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
PRIVATE_ZONE = "Microsoft.Network/privateDnsZones"
PUBLIC_ZONE = "Microsoft.Network/dnsZones"
REGISTRY = "Microsoft.ContainerRegistry/registries"
SERVER = "Microsoft.DBforPostgreSQL/flexibleServers"
VAULT = "Microsoft.KeyVault/vaults"
WORKSPACE = "Microsoft.OperationalInsights/workspaces"
