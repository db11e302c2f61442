"""Microsoft.ManagedIdentity: user-assigned identities, each a principal with a client id.

https://learn.microsoft.com/rest/api/managedidentity/user-assigned-identities
"""

from __future__ import annotations

import uuid

from .. import clock
from ..resource_types import IDENTITY
from ..store import Body, Record
from ..world import World
from .kind import Change, Kind, NameRule, States


def _fill(change: Change) -> None:
    properties = change.properties
    properties.setdefault("principalId", str(uuid.uuid4()))
    properties.setdefault("clientId", str(uuid.uuid4()))
    properties["tenantId"] = change.world.settings.tenant
    change.record.hidden.setdefault("made", clock.iso())


def assigned(world: World, identity: Body | None) -> list[Record]:
    """The user-assigned identities that an `identity` member of a resource body names, those that exist."""
    ids = (identity or {}).get("userAssignedIdentities") or {}
    return [record for id in ids if (record := world.store.find(id)) is not None]


KINDS = (
    Kind(
        IDENTITY,
        name=NameRule(r"[A-Za-z0-9][\w-]{2,127}"),
        put="identity.put",
        states=States(member=None),
        respelled=("/resourceGroups/", "/resourcegroups/"),
        kept=("principalId", "clientId", "tenantId"),
        fill=_fill,
        rank=60,
    ),
)
