"""Role assignments: at any scope, once only, and what they allow on the management plane."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient

from ..conftest import LOCATION, Cloud, code_of

BUILT_IN = {
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Key Vault Secrets Officer": "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
}


@pytest.fixture
def roles(cloud: Cloud) -> AuthorizationManagementClient:
    return cloud.client(AuthorizationManagementClient)


def assignment(cloud: Cloud, role: str, principal: str, **more: Any) -> dict[str, Any]:
    definition = f"{cloud.scope}/providers/Microsoft.Authorization/roleDefinitions/{BUILT_IN[role]}"
    return {"properties": {"roleDefinitionId": definition, "principalId": principal, **more}}


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_built_in_roles_have_their_real_ids(cloud: Cloud, roles: AuthorizationManagementClient, name: str) -> None:
    found = list(roles.role_definitions.list(cloud.scope, filter=f"roleName eq '{name}'"))
    assert [one.name for one in found] == [BUILT_IN[name]]


def test_an_assignment_is_made_once(cloud: Cloud, roles: AuthorizationManagementClient, group: str) -> None:
    identities = cloud.client(ManagedServiceIdentityClient).user_assigned_identities
    principal = str(identities.create_or_update(group, "who", {"location": LOCATION}).principal_id)
    scope = f"{cloud.scope}/resourceGroups/{group}"
    name = str(uuid.uuid4())
    made = roles.role_assignments.create(scope, name, assignment(cloud, "Reader", principal))
    assert (made.scope, made.principal_type) == (scope, "ServicePrincipal")
    again = roles.role_assignments.create(scope, name, assignment(cloud, "Reader", principal))
    assert again.id == made.id
    with pytest.raises(ResourceExistsError) as caught:
        roles.role_assignments.create(scope, str(uuid.uuid4()), assignment(cloud, "Reader", principal))
    assert code_of(caught.value) == "RoleAssignmentExists"
    with pytest.raises(HttpResponseError) as refused:
        roles.role_assignments.create(scope, name, assignment(cloud, "Owner", principal))
    assert code_of(refused.value) == "RoleAssignmentUpdateNotPermitted"
    listed = roles.role_assignments.list_for_scope(scope, filter=f"principalId eq '{principal}'")
    assert [one.name for one in listed] == [name]
    assert roles.role_assignments.delete(scope, name).id == made.id
    assert cloud.call("DELETE", made.id).status_code == 204


def test_an_unknown_principal_needs_its_type(cloud: Cloud, roles: AuthorizationManagementClient, group: str) -> None:
    scope, stranger = f"{cloud.scope}/resourceGroups/{group}", str(uuid.uuid4())
    with pytest.raises(HttpResponseError) as caught:
        roles.role_assignments.create(scope, str(uuid.uuid4()), assignment(cloud, "Reader", stranger))
    assert (caught.value.status_code, code_of(caught.value)) == (400, "PrincipalNotFound")
    typed = assignment(cloud, "Reader", stranger, principalType="ServicePrincipal")
    assert roles.role_assignments.create(scope, str(uuid.uuid4()), typed).principal_id == stranger


def test_whoever_loses_the_role_is_kept_out(fresh: Cloud) -> None:
    """The operator drops their own ownership: reads and writes are refused as on Azure."""
    roles = fresh.client(AuthorizationManagementClient)
    reader = assignment(fresh, "Reader", fresh.operator)
    roles.role_assignments.create(fresh.scope, str(uuid.uuid4()), reader)
    owner = next(
        one
        for one in roles.role_assignments.list_for_scope(fresh.scope)
        if BUILT_IN["Owner"] in str(one.role_definition_id)
    )
    roles.role_assignments.delete(fresh.scope, str(owner.name))
    group = f"{fresh.scope}/resourceGroups/rg"
    refused = fresh.call("PUT", group, json={"location": LOCATION})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert "Microsoft.Resources/resourceGroups/write" in refused.text
    assert fresh.call("GET", f"{fresh.scope}/resourceGroups").json() == {"value": []}
