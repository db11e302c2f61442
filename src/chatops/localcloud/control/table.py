"""The table of everything the management API knows: resource types by name, and the paths beside them."""

from __future__ import annotations

from collections.abc import Mapping

from . import (
    apps,
    budgets,
    certificates,
    costs,
    dns,
    dns_zones,
    domains,
    environments,
    groups,
    identities,
    limits,
    managed_certificates,
    metrics,
    network,
    permissions,
    postgres,
    postgres_offers,
    providers,
    registry,
    revisions,
    roles,
    settings,
    vaults,
    workspaces,
)
from .kind import Endpoint, Kind

_TABLES = (
    groups.KINDS,
    roles.KINDS,
    identities.KINDS,
    network.KINDS,
    dns.KINDS,
    dns_zones.KINDS,
    vaults.KINDS,
    postgres.KINDS,
    registry.KINDS,
    workspaces.KINDS,
    environments.KINDS,
    managed_certificates.KINDS,
    certificates.KINDS,
    apps.KINDS,
    revisions.KINDS,
    budgets.KINDS,
)

KINDS: Mapping[str, Kind] = {kind.type.lower(): kind for table in _TABLES for kind in table}

ENDPOINTS: tuple[Endpoint, ...] = (
    *providers.ENDPOINTS,
    *groups.ENDPOINTS,
    *vaults.ENDPOINTS,
    *postgres_offers.ENDPOINTS,
    *registry.ENDPOINTS,
    *domains.ENDPOINTS,
    *permissions.ENDPOINTS,
    *settings.ENDPOINTS,
    *limits.ENDPOINTS,
    *costs.ENDPOINTS,
    *metrics.ENDPOINTS,
)
