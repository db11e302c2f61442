"""Microsoft.Authorization: role assignments at any scope, the built-in roles, and the check that both planes ask.

https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase

from .. import clock
from ..errors import ArmError, gateway
from ..ids import Id, within
from ..resource_types import IDENTITY
from ..store import Body, Record
from ..world import World
from .kind import Call, Change, Kind, States, read_only

ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
DEFINITION = "Microsoft.Authorization/roleDefinitions"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"


@dataclass(frozen=True)
class Role:
    """A built-in role: what it may do on the management plane and on data planes, in Azure's wildcards."""

    name: str
    actions: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


_WRITES_OF_ROLES = (
    "Microsoft.Authorization/*/Delete",
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/elevateAccess/Action",
)
_VAULT_READS = ("Microsoft.KeyVault/vaults/read", "Microsoft.KeyVault/locations/*/read")
_USE_SECRETS = (
    "Microsoft.KeyVault/vaults/secrets/getSecret/action",
    "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
)

ROLES: Mapping[str, Role] = {
    OWNER: Role("Owner", ("*",)),
    "b24988ac-6180-42a0-ab88-20f7382dd24c": Role("Contributor", ("*",), excluded=_WRITES_OF_ROLES),
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": Role("Reader", ("*/read",)),
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": Role("User Access Administrator", ("*/read", "Microsoft.Authorization/*")),
    ACR_PULL: Role("AcrPull", ("Microsoft.ContainerRegistry/registries/pull/read",)),
    "8311e382-0749-4cb8-b61a-304f252e45ec": Role(
        "AcrPush",
        ("Microsoft.ContainerRegistry/registries/pull/read", "Microsoft.ContainerRegistry/registries/push/write"),
    ),
    SECRETS_USER: Role("Key Vault Secrets User", data=_USE_SECRETS),
    SECRETS_OFFICER: Role("Key Vault Secrets Officer", _VAULT_READS, ("Microsoft.KeyVault/vaults/secrets/*",)),
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": Role(
        "Key Vault Administrator", _VAULT_READS, ("Microsoft.KeyVault/vaults/*",)
    ),
}


def authorize(world: World, oid: str, action: str, scope: str, *, data: bool = False) -> bool:
    """Whether the principal `oid` may do `action` on the id `scope` (a data action when `data`).

    Assignments count at the scope and above it, and only once they have reached the service (`Desk.role_delay`).
    """
    latest = clock.iso(clock.now() - timedelta(seconds=world.desk.role_delay))
    key = scope.lower()
    return any(
        record.properties["principalId"].lower() == oid.lower()
        and within(key, record.properties["scope"].lower())
        and (not world.desk.role_delay or record.properties["createdOn"] <= latest)
        and _allows(ROLES[_guid(record)], action.lower(), data)
        for record in world.store.records(type=ASSIGNMENT)
    )


def _guid(record: Record) -> str:
    return str(record.properties["roleDefinitionId"]).rsplit("/", 1)[1].lower()


def _allows(role: Role, action: str, data: bool) -> bool:
    granted = role.data if data else role.actions
    return _any(granted, action) and not _any(role.excluded, action)


def _any(patterns: tuple[str, ...], action: str) -> bool:
    return any(fnmatchcase(action, pattern.lower()) for pattern in patterns)


def _check(change: Change) -> None:
    wanted, previous = change.properties, change.previous
    for name in ("roleDefinitionId", "principalId"):
        if not isinstance(wanted.get(name), str):
            raise ArmError(
                400, "InvalidCreateRoleAssignmentRequest", f"The request was incorrectly formatted: no '{name}'."
            )
    if _guid(change.record) not in ROLES:
        text = f"The specified role definition with ID '{_guid(change.record)}' does not exist."
        raise ArmError(404, "RoleDefinitionDoesNotExist", text)
    if "principalType" not in wanted and not _known(change.world, wanted["principalId"]):
        raise _unknown_principal(change.world, wanted["principalId"])
    same = [_identity(record) for record in _at(change.world, change.id.scope) if record.key != change.id.key]
    if _identity(change.record) in same:
        raise ArmError(409, "RoleAssignmentExists", "The role assignment already exists.")
    if previous and _identity(previous) != _identity(change.record):
        text = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
        raise ArmError(400, "RoleAssignmentUpdateNotPermitted", text)


def _identity(record: Record) -> tuple[str, str]:
    return str(record.properties["principalId"]).lower(), _guid(record)


def _at(world: World, scope: str) -> list[Record]:
    key = scope.lower()
    return [record for record in world.store.records(scope, ASSIGNMENT) if record.properties["scope"].lower() == key]


def _known(world: World, principal: str) -> bool:
    latest = clock.iso(clock.now() - timedelta(seconds=world.conditions.now.directory_delay))
    identities = world.store.records(type=IDENTITY)
    known = {
        record.properties["principalId"].lower() for record in identities if record.hidden.get("made", "") <= latest
    }
    return principal.lower() in known | {world.settings.operator}


def _unknown_principal(world: World, principal: str) -> ArmError:
    return ArmError(
        400,
        "PrincipalNotFound",
        f"Principal {principal.replace('-', '')} does not exist in the directory {world.settings.tenant}. Check that "
        "you have the correct principal ID. If you are creating this principal and then immediately assigning a "
        "role, this error might be related to a replication delay. In this case, set the role assignment "
        "principalType property to a value, such as ServicePrincipal, User, or Group.  See "
        "https://aka.ms/docs-principaltype",
    )


def _fill(change: Change) -> None:
    wanted, moment = change.properties, clock.iso()
    made = change.previous.properties if change.previous else {"createdOn": moment}
    guid = _guid(change.record)
    wanted.update(
        scope=change.id.scope,
        roleDefinitionId=_definition_id(change.world, guid),
        createdOn=made["createdOn"],
        updatedOn=moment,
        updatedBy=change.call.claims.oid,
    )
    wanted.setdefault("principalType", "ServicePrincipal")


def own(world: World) -> None:
    """Make the operator Owner of the subscription, as whoever opens one is: long enough ago to count at once."""
    name = "7f0b5bd5-9e2c-5a8e-8a43-6d1f2b0c9d10"
    moment = clock.iso(clock.now() - timedelta(days=1))
    id = f"{world.settings.scope}/providers/{ASSIGNMENT}/{name}"
    properties: Body = {
        "scope": world.settings.scope,
        "roleDefinitionId": _definition_id(world, OWNER),
        "principalId": world.settings.operator,
        "principalType": "ServicePrincipal",
        "createdOn": moment,
        "updatedOn": moment,
    }
    if world.store.find(id) is None:
        world.store.save(Record(id, ASSIGNMENT, {"id": id, "name": name, "type": ASSIGNMENT, "properties": properties}))


def _definition_id(world: World, guid: str) -> str:
    return f"{world.settings.scope}/providers/{DEFINITION}/{guid}"


def _filter(call: Call, member: str) -> str | None:
    found = re.search(rf"{member}(?:\(\)|\s+eq)?\s*\(?'([^']*)'", call.query.get("$filter", ""), re.IGNORECASE)
    return found.group(1).lower() if found else None


def _assignments(call: Call) -> list[Body]:
    scope = call.id.scope.lower()
    principal = _filter(call, "principalId") or _filter(call, "assignedTo")
    above_only = "atscope()" in call.query.get("$filter", "").lower()
    found = []
    for record in call.world.store.records(type=ASSIGNMENT):
        at = record.properties["scope"].lower()
        inside = within(scope, at) or (not above_only and within(at, scope))
        if inside and principal in (None, record.properties["principalId"].lower()):
            found.append(record.body)
    return found


def _definition(world: World, guid: str) -> Body | None:
    role = ROLES.get(guid.lower())
    if role is None:
        return None
    permission = {
        "actions": list(role.actions),
        "notActions": list(role.excluded),
        "dataActions": list(role.data),
        "notDataActions": [],
    }
    properties = {"roleName": role.name, "type": "BuiltInRole", "assignableScopes": ["/"], "permissions": [permission]}
    return {"id": _definition_id(world, guid), "name": guid, "type": DEFINITION, "properties": properties}


def _read_definition(world: World, id: Id) -> Body | None:
    return _definition(world, id.name)


def _definitions(call: Call) -> list[Body]:
    wanted = _filter(call, "roleName")
    every = [_definition(call.world, guid) for guid in ROLES]
    return [body for body in every if body and wanted in (None, body["properties"]["roleName"].lower())]


def _no_definition(id: Id) -> ArmError:
    return gateway(
        404, "RoleDefinitionDoesNotExist", f"The specified role definition with ID '{id.name}' does not exist."
    )


def _no_assignment(id: Id) -> ArmError:
    return gateway(404, "RoleAssignmentNotFound", f"The role assignment '{id.name}' is not found.")


KINDS = (
    Kind(
        ASSIGNMENT,
        put="sync.201",
        patch=None,
        delete="sync.deleted",
        states=States(member=None),
        location=None,
        check=_check,
        fill=_fill,
        listing=_assignments,
        missing=_no_assignment,
        rank=0,
    ),
    read_only(
        DEFINITION,
        read=_read_definition,
        listing=_definitions,
        missing=_no_definition,
    ),
)
