"""Role assignment. https://learn.microsoft.com/azure/templates/microsoft.authorization/roleassignments

Built-in roles: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, deleting
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.engine.resource import Json, Known, Observed, Report, Unknown, Update
from chatops.naming import assignment_name
from chatops.resources.arm import ArmResource

ROLES = {
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
}


def assignment_id(scope: str, role: str, who: str) -> str:
    """Return the ARM id of the assignment of `role` over `scope`; `who` tells principals apart before they exist."""
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{assignment_name(scope, role, who)}"


@dataclass(frozen=True, kw_only=True)
class RoleAssignment(ArmResource):
    """`principal` gives the object id, which may be an output of an identity that does not exist yet."""

    type = "Microsoft.Authorization/roleAssignments"
    words = "role assignment"
    api_version = "2022-04-01"
    immutable = frozenset({"properties"})

    role: str
    principal: Callable[[Known], Any]
    principal_type: str

    @property
    def scope(self) -> str:
        return self.id.split("/providers/Microsoft.Authorization/")[0]

    @property
    def label(self) -> str:
        return f"role assignment '{self.role}' on '{self.scope.rsplit('/', 1)[-1]}'"

    def body(self, known: Known) -> Json:
        subscription = "/".join(self.id.split("/")[:3])
        definition = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLES[self.role]}"
        who = {"principalId": self.principal(known), "principalType": self.principal_type}
        return {"properties": {"roleDefinitionId": definition, **who}}

    def read(self, azure: Azure) -> Observed | None:
        if (own := azure.read(self.id, self.api_version)) is not None:
            return self.found(own)
        if (same := self._same(azure)) is not None:
            return self.found(same, f"assigned by somebody else as '{same['name']}': adopted")
        return None

    def _same(self, azure: Azure) -> Json | None:
        """The assignment of another name that gives the same principal the same role here; Azure allows only one."""
        principal = self.principal(Known({}))
        if isinstance(principal, Unknown):
            return None
        listed = azure.read(self.id.rsplit("/", 1)[0], self.api_version) or {"value": []}
        wanted = (self.scope.lower(), principal.lower(), ROLES[self.role])
        return next((one for one in listed["value"] if _gives(one["properties"]) == wanted), None)

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        with calling("creating", self.label):
            azure.authorization.role_assignments.create(self.scope, self.name, body)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        raise NotImplementedError("nothing of a role assignment changes in place")

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            azure.authorization.role_assignments.delete(self.scope, self.name)


def _gives(assignment: Json) -> tuple[str, str, str]:
    """Return what makes an assignment unique: its scope, the principal and the role's GUID, all lower-case."""
    scope, principal, role = (str(assignment[key]) for key in ("scope", "principalId", "roleDefinitionId"))
    return scope.lower(), principal.lower(), role.lower().rsplit("/", 1)[-1]
