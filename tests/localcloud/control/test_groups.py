"""Resource groups and everything in them: lists, filters, tags, spelling without case, and the cascading delete."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource.resources import ResourceManagementClient

from ..conftest import LOCATION, Cloud, code_of


@pytest.fixture
def resources(cloud: Cloud) -> ResourceManagementClient:
    return cloud.client(ResourceManagementClient)


def identity(cloud: Cloud, group: str, name: str, **tags: str) -> Any:
    client = cloud.client(ManagedServiceIdentityClient).user_assigned_identities
    return client.create_or_update(group, name, {"location": LOCATION, "tags": tags})


def test_a_group_lives_and_dies(cloud: Cloud, resources: ResourceManagementClient) -> None:
    groups = resources.resource_groups
    made = groups.create_or_update("rg-life", {"location": "Germany West Central", "tags": {"a": "1"}})
    assert made.properties.provisioning_state == "Succeeded"
    assert groups.check_existence("RG-LIFE")
    assert groups.get("Rg-Life").name == "rg-life"
    assert groups.update("rg-life", {"tags": {"b": "2"}}).tags == {"a": "1", "b": "2"}
    assert "rg-life" in [found.name for found in groups.list()]
    groups.begin_delete("rg-life").result()
    assert not groups.check_existence("rg-life")


def test_a_group_cannot_move(cloud: Cloud, resources: ResourceManagementClient, group: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        resources.resource_groups.create_or_update(group, {"location": "eastus"})
    assert (caught.value.status_code, code_of(caught.value)) == (409, "InvalidResourceGroupLocation")
    identity(cloud, group, "stays")
    with pytest.raises(HttpResponseError) as caught:
        client = cloud.client(ManagedServiceIdentityClient).user_assigned_identities
        client.create_or_update(group, "stays", {"location": "eastus"})
    assert (caught.value.status_code, code_of(caught.value)) == (409, "InvalidResourceLocation")


def test_a_merge_patch_keeps_what_it_does_not_name(cloud: Cloud, group: str) -> None:
    path = f"{cloud.scope}/resourceGroups/{group}"
    cloud.call("PATCH", path, json={"tags": {"keep": "1", "drop": "2"}})
    cloud.call("PATCH", path, json={"tags": {"drop": None, "new": "3"}})
    assert cloud.call("GET", path).json()["tags"] == {"keep": "1", "new": "3"}


def test_lists_filter_by_type_and_tag(cloud: Cloud, resources: ResourceManagementClient, group: str) -> None:
    for name, owner in (("one", "ann"), ("two", "bob")):
        identity(cloud, group, name, owner=owner)

    def names(text: str) -> list[str]:
        return [str(one.name) for one in resources.resources.list_by_resource_group(group, filter=text)]

    assert names("resourceType eq 'microsoft.managedidentity/userassignedidentities'") == ["one", "two"]
    assert names("tagName eq 'owner' and tagValue eq 'bob'") == ["two"]
    assert names("resourceType eq 'Microsoft.Network/virtualNetworks'") == []
    everywhere = resources.resources.list(filter="tagName eq 'owner' and tagValue eq 'ann'")
    assert [one.name for one in everywhere] == ["one"]


def test_paths_know_no_case_and_ids_keep_theirs(cloud: Cloud, group: str) -> None:
    made = identity(cloud, group, "MixedCase")
    shouted = cloud.call("GET", made.id.upper())
    assert shouted.json()["id"] == made.id
    again = identity(cloud, group.upper(), "mixedcase")
    assert (again.id, again.principal_id) == (made.id, made.principal_id)


def test_nulls_are_dropped(cloud: Cloud, group: str) -> None:
    path = f"{cloud.scope}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/empty"
    body = {"location": LOCATION, "properties": {"isolationScope": None}, "plan": None}
    assert ":null" not in cloud.call("PUT", path, json=body).text
    assert ":null" not in cloud.call("GET", path).text


def test_deleting_a_group_takes_everything_along(cloud: Cloud, resources: ResourceManagementClient) -> None:
    resources.resource_groups.create_or_update("rg-cascade", {"location": LOCATION})
    made = identity(cloud, "rg-cascade", "gone")
    resources.resource_groups.begin_delete("rg-cascade").result()
    resources.resource_groups.create_or_update("rg-cascade", {"location": LOCATION})
    with pytest.raises(ResourceNotFoundError):
        resources.resources.get_by_id(made.id, api_version="2024-11-30")
    resources.resource_groups.begin_delete("rg-cascade").result()


def test_deleting_what_is_not_there_is_no_content(cloud: Cloud, group: str) -> None:
    path = f"{cloud.scope}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/none"
    assert cloud.call("DELETE", path).status_code == 204


def test_groups_filter_by_tag(cloud: Cloud, resources: ResourceManagementClient, group: str) -> None:
    resources.resource_groups.update(group, {"tags": {"stack": "only-this"}})
    found = resources.resource_groups.list(filter="tagName eq 'stack' and tagValue eq 'only-this'")
    assert [one.name for one in found] == [group]
