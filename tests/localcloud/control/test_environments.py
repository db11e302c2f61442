"""Workspaces and container apps environments: networks, logs, what Azure computes and refuses."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.appcontainers import ContainerAppsAPIClient
from azure.mgmt.loganalytics import LogAnalyticsManagementClient
from azure.mgmt.network import NetworkManagementClient

from ..conftest import LOCATION, Cloud, code_of
from .conftest import Stack

DELEGATED = {"name": "d", "properties": {"serviceName": "Microsoft.App/environments"}}


@pytest.fixture
def environments(cloud: Cloud) -> Any:
    return cloud.client(ContainerAppsAPIClient).managed_environments


def subnets(cloud: Cloud, group: str) -> dict[str, str]:
    """A network with a subnet that fits, one that is not delegated, one that is too small; name -> id."""
    wanted = [
        {"name": "fits", "properties": {"addressPrefix": "10.0.0.0/27", "delegations": [DELEGATED]}},
        {"name": "plain", "properties": {"addressPrefix": "10.0.0.32/27"}},
        {"name": "small", "properties": {"addressPrefix": "10.0.0.64/28", "delegations": [DELEGATED]}},
    ]
    body = {
        "location": LOCATION,
        "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/24"]}, "subnets": wanted},
    }
    networks = cloud.client(NetworkManagementClient).virtual_networks
    made = networks.begin_create_or_update(group, "vn", body).result()
    return {one.name: one.id for one in made.properties.subnets}


def body(subnet: str | None = None, **logs: str) -> dict[str, Any]:
    properties: dict[str, Any] = {"workloadProfiles": [{"name": "Consumption", "workloadProfileType": "Consumption"}]}
    if subnet:
        properties["vnetConfiguration"] = {"infrastructureSubnetId": subnet, "internal": False}
    if logs:
        properties["appLogsConfiguration"] = {"destination": "log-analytics", "logAnalyticsConfiguration": logs}
    return {"location": LOCATION, "properties": properties}


def test_an_environment_in_a_network(cloud: Cloud, environments: Any, group: str) -> None:
    ids = subnets(cloud, group)
    logs = cloud.client(LogAnalyticsManagementClient)
    workspace = logs.workspaces.begin_create_or_update(group, "logs", {"location": LOCATION}).result()
    key = logs.shared_keys.get_shared_keys(group, "logs").primary_shared_key
    wanted = body(ids["fits"], customerId=workspace.properties.customer_id, sharedKey=key)
    made = environments.begin_create_or_update(group, "env", wanted).result()
    assert made.location == "Germany West Central"
    assert made.properties.default_domain.endswith(f".{LOCATION}.azurecontainerapps.io")
    assert made.properties.static_ip
    assert key not in str(made.as_dict())
    networks = cloud.client(NetworkManagementClient)
    with pytest.raises(HttpResponseError) as caught:
        networks.virtual_networks.begin_delete(group, "vn")
    assert code_of(caught.value) == "InUseSubnetCannotBeDeleted"
    with pytest.raises(HttpResponseError) as caught:
        networks.subnets.begin_create_or_update(group, "vn", "fits", {"properties": {"addressPrefix": "10.0.0.0/27"}})
    assert code_of(caught.value) == "SubnetDelegationsCannotChange"
    with pytest.raises(HttpResponseError) as caught:
        environments.begin_create_or_update(group, "second", body(ids["fits"]))
    assert code_of(caught.value) == "ManagedEnvironmentSubnetInUse"
    environments.begin_delete(group, "env").result()
    with pytest.raises(ResourceNotFoundError):
        environments.get(group, "env")


@pytest.mark.parametrize(
    ("subnet", "code"),
    [
        ("plain", "ManagedEnvironmentSubnetDelegationError"),
        ("small", "ManagedEnvironmentInvalidNetworkConfiguration"),
    ],
)
def test_subnets_that_do_not_fit(cloud: Cloud, environments: Any, group: str, subnet: str, code: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        environments.begin_create_or_update(group, "env", body(subnets(cloud, group)[subnet]))
    assert (caught.value.status_code, code_of(caught.value)) == (400, code)


def test_a_wrong_workspace_key_is_refused(cloud: Cloud, environments: Any, group: str) -> None:
    logs = cloud.client(LogAnalyticsManagementClient)
    workspace = logs.workspaces.begin_create_or_update(group, "logs", {"location": LOCATION}).result()
    wrong = body(customerId=str(workspace.properties.customer_id), sharedKey="wrong")
    with pytest.raises(HttpResponseError) as caught:
        environments.begin_create_or_update(group, "env", wrong)
    assert code_of(caught.value) == "InvalidLogAnalyticsConfiguration"


def test_a_put_that_changes_nothing_is_done_at_once(cloud: Cloud, environments: Any, group: str) -> None:
    first = environments.begin_create_or_update(group, "env", body()).result()
    again = cloud.call("PUT", first.id, json=body())
    assert (again.status_code, again.json()["properties"]["provisioningState"]) == (200, "Succeeded")
    assert "Azure-AsyncOperation" not in again.headers
    changed = cloud.call("PUT", first.id, json={**body(), "tags": {"a": "b"}})
    assert (changed.status_code, changed.json()["properties"]["provisioningState"]) == (201, "Updating")
    assert changed.json()["properties"]["defaultDomain"] == first.properties.default_domain


def test_an_environment_with_apps_stays(stack: Stack, environments: Any) -> None:
    stack.put("keeps-env", stack.body())
    with pytest.raises(ResourceExistsError) as caught:
        environments.begin_delete(stack.group, "env")
    assert code_of(caught.value) == "ManagedEnvironmentHasContainerApps"
    stack.client.container_apps.begin_delete(stack.group, "keeps-env").result()


@pytest.mark.parametrize(
    ("properties", "code"),
    [({"retentionInDays": 1}, "InvalidParameter"), ({"sku": {"name": "Gold"}}, "InvalidParameter")],
)
def test_wrong_workspaces(cloud: Cloud, group: str, properties: dict[str, Any], code: str) -> None:
    workspaces = cloud.client(LogAnalyticsManagementClient).workspaces
    with pytest.raises(HttpResponseError) as caught:
        workspaces.begin_create_or_update(group, "logs", {"location": LOCATION, "properties": properties})
    assert code_of(caught.value) == code
