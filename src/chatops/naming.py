"""Names: (stack, kind, suffix) -> Azure name, ARM id, tags. Pure, so Azure ids are known before anything exists.

Registries, vaults and database servers share one name space with all of Azure; theirs end in a hash of their owner.
Rules: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

OWNER_TAG = "chatops-stack"
_ROLES = uuid.UUID("6f4ad6c1-4bb0-5d0b-9c53-6f1d5b0c7f7e")


@dataclass(frozen=True)
class Names:
    """The names of one stack in one subscription and resource group."""

    stack: str
    subscription: str
    group: str

    @property
    def tags(self) -> dict[str, str]:
        """The tag that says which stack a resource belongs to."""
        return {OWNER_TAG: self.stack}

    @property
    def unique(self) -> str:
        """Six characters that tell this stack from every other one in the world."""
        return hashlib.sha256(f"{self.subscription}/{self.group}/{self.stack}".lower().encode()).hexdigest()[:6]

    def plain(self, suffix: str) -> str:
        """Return a name that need only be unique in its group: `chat-vnet`."""
        return f"{self.stack}-{suffix}"

    def world(self, suffix: str) -> str:
        """Return a name that is unique in the world, at most 24 characters: `chat-kv-1a2b3c`."""
        return f"{self.stack[: 24 - len(suffix) - 8].rstrip('-')}-{suffix}-{self.unique}"

    def alphanumeric(self, suffix: str) -> str:
        """Return a name that is unique in the world and has no hyphens: `chatcr1a2b3c`."""
        return f"{self.stack}{suffix}{self.unique}".replace("-", "")

    @property
    def group_id(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"

    def id(self, resource_type: str, *names: str) -> str:
        """Return the ARM id: `id("Microsoft.Network/virtualNetworks/subnets", "chat-vnet", "apps")`."""
        namespace, *types = resource_type.split("/")
        pairs = "/".join(f"{kind}/{name}" for kind, name in zip(types, names, strict=True))
        return f"{self.group_id}/providers/{namespace}/{pairs}"


def assignment_name(scope: str, role: str, principal: str) -> str:
    """Return the GUID of a role assignment: the same three things always give the same one."""
    return str(uuid.uuid5(_ROLES, f"{scope}|{role}|{principal}".lower()))
