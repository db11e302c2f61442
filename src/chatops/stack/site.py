"""Where a stack is built, and what its resources are called there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chatops.config.schema import Config
from chatops.naming import Names
from chatops.resources.image import Source


@dataclass(frozen=True)
class Site:
    """What a stack takes from where it is built: who builds it, the cloud's DNS suffixes, what images are made of."""

    subscription: str
    tenant: str
    operator: str
    operator_kind: str
    vault_suffix: str
    registry_suffix: str
    postgres_domain: str
    images: Mapping[str, Source]
    dns_seconds: float = 0.0
    """How long to wait for records that somebody else has to type."""


def names_of(config: Config, subscription: str) -> Names:
    """Return the names of the stack's resources."""
    group = config.azure.resource_group if config.azure else None
    return Names(config.name, subscription, group or f"{config.name}-rg")
