"""What a check is asked and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chatops.azure.clients import Azure


@dataclass(frozen=True)
class Finding:
    """One answer: what was found and, when it will not do, what to do about it."""

    check: str
    found: str
    todo: str | None = None

    @property
    def passed(self) -> bool:
        return self.todo is None


@dataclass(frozen=True)
class Wanted:
    """What a stack needs of Azure. Names are those of the resources; `sku`, `tier` and `version` are PostgreSQL's.

    `builder` is what was found about who builds the images, `registry_builds` whether that is the registry.
    """

    stack: str
    tenant: str | None
    location: str
    group_id: str
    address_space: str
    network: str
    vault: str
    registry: str
    server: str
    environment: str
    sku: str
    tier: str
    version: str
    builder: Finding
    registry_builds: bool

    @property
    def subscription_id(self) -> str:
        return "/".join(self.group_id.split("/")[:3])

    @property
    def group(self) -> str:
        return self.group_id.rsplit("/", 1)[-1]

    def id(self, resource_type: str, name: str) -> str:
        """The ARM id of a resource in the stack's group."""
        return f"{self.group_id}/providers/{resource_type}/{name}"


Check = Callable[[Azure, Wanted], Iterator[Finding]]
"""A check reads, and yields one or more findings. A CloudError that it raises becomes a failed finding."""
