"""The table of everything the management API knows: resource types by name, and the paths beside them."""

from __future__ import annotations

from collections.abc import Mapping

from . import dns, groups, identities, network, providers, roles, vaults
from .kind import Endpoint, Kind

_MODULES = (groups.KINDS, roles.KINDS, network.KINDS, vaults.KINDS, identities.KINDS, dns.KINDS)

KINDS: Mapping[str, Kind] = {kind.type.lower(): kind for kinds in _MODULES for kind in kinds}

ENDPOINTS: tuple[Endpoint, ...] = (*providers.ENDPOINTS, *groups.ENDPOINTS, *vaults.ENDPOINTS)
