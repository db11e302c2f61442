"""What the caller may do at a scope: the actions of all roles that reach it.

https://learn.microsoft.com/rest/api/authorization/permissions
"""

from __future__ import annotations

from collections.abc import Mapping

from ..ids import within
from ..store import Body
from .kind import Call, Endpoint
from .roles import ASSIGNMENT, ROLES


async def _permissions(call: Call, found: Mapping[str, str]) -> Body:
    scope = call.id.scope.lower()
    guids = [
        str(record.properties["roleDefinitionId"]).rsplit("/", 1)[1].lower()
        for record in call.world.store.records(type=ASSIGNMENT)
        if record.properties["principalId"].lower() == call.claims.oid.lower()
        and within(scope, record.properties["scope"].lower())
    ]
    roles = [ROLES[guid] for guid in guids]
    return {
        "value": [
            {"actions": role.actions, "notActions": role.excluded, "dataActions": role.data, "notDataActions": []}
            for role in roles
        ]
    }


_PERMISSIONS = "/providers/Microsoft.Authorization/permissions"

ENDPOINTS = (
    Endpoint("GET", "/subscriptions/{subscription}" + _PERMISSIONS, _permissions, action=""),
    Endpoint("GET", "/subscriptions/{subscription}/resourceGroups/{group}" + _PERMISSIONS, _permissions, action=""),
)
