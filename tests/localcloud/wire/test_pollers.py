"""What the SDK's own pollers do with those answers: which calls they make, when they stop, and what they raise."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.appcontainers import ContainerAppsAPIClient
from azure.mgmt.loganalytics import LogAnalyticsManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.privatedns import PrivateDnsManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from ..conftest import LOCATION, Cloud, code_of, wait_for
from .walk import SETTINGS

MISSING = MatchConditions.IfMissing
NETWORK = {"location": LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}


@pytest.fixture(scope="module")
def group(world: Cloud) -> Iterator[str]:
    groups = world.client(ResourceManagementClient).resource_groups
    groups.create_or_update("rg-pollers", {"location": LOCATION})
    yield "rg-pollers"
    groups.begin_delete("rg-pollers").result()


def settle(world: Cloud, **conditions: Any) -> None:
    assert world.call("PUT", SETTINGS, json=conditions).status_code == 200


def since(world: Cloud, start: int) -> list[tuple[str, str]]:
    """What was asked of the management API since call number `start`: method and last part of the path."""
    calls = [call for call in world.calls()[start:] if call["plane"] == "management"]
    return [(call["method"], call["path"].split("?")[0].rsplit("/", 2)[1]) for call in calls]


def test_after_a_put_the_resource_is_read_once_and_after_a_delete_never(world: Cloud, group: str) -> None:
    networks = world.client(NetworkManagementClient).virtual_networks
    start = len(world.calls())
    networks.begin_create_or_update(group, "vn", NETWORK).result()
    made = since(world, start)
    assert made[0] == ("PUT", "virtualNetworks")
    assert made[-1] == ("GET", "virtualNetworks")
    assert set(made[1:-1]) == {("GET", "operations")}
    start = len(world.calls())
    networks.begin_delete(group, "vn").result()
    gone = since(world, start)
    assert gone[0] == ("DELETE", "virtualNetworks")
    assert set(gone[1:]) == {("GET", "operations")}


def test_the_poller_of_a_workspace_stops_whatever_its_state(world: Cloud, group: str) -> None:
    workspaces = world.client(LogAnalyticsManagementClient).workspaces
    settle(world, held=["Microsoft.OperationalInsights/workspaces"])
    made = workspaces.begin_create_or_update(group, "logs", {"location": LOCATION}).result()
    assert made.properties.provisioning_state == "Creating"
    assert made.properties.customer_id
    settle(world)
    wait_for(lambda: workspaces.get(group, "logs").properties.provisioning_state == "Succeeded")


def test_a_refusal_inside_the_operation_is_raised_with_its_code(world: Cloud, group: str) -> None:
    zones = world.client(PrivateDnsManagementClient).private_zones
    zones.begin_create_or_update(group, "wire.example", {"location": "global"}).result()
    poller = zones.begin_create_or_update(group, "wire.example", {"location": "global"}, match_condition=MISSING)
    with pytest.raises(HttpResponseError) as caught:
        poller.result()
    assert code_of(caught.value) == "PreconditionFailed"
    assert zones.get(group, "wire.example").properties.provisioning_state == "Succeeded"


def test_a_flat_error_is_parsed_like_any_other(world: Cloud, group: str) -> None:
    environments = world.client(ContainerAppsAPIClient).managed_environments
    environments.begin_create_or_update(group, "leaving", {"location": LOCATION, "properties": {}}).result()
    settle(world, held=["Microsoft.App/managedEnvironments"])
    poller = environments.begin_delete(group, "leaving")
    with pytest.raises(ResourceNotFoundError) as caught:
        environments.get(group, "leaving")
    assert code_of(caught.value) == "ManagedEnvironmentNotFound"
    assert [one.name for one in environments.list_by_resource_group(group)] == []
    assert not poller.done()
    settle(world)
    poller.result()


def test_a_write_to_a_busy_network_is_repeated_by_the_client(world: Cloud, group: str) -> None:
    networks = world.client(NetworkManagementClient).virtual_networks
    settle(world, held=["Microsoft.Network/virtualNetworks"])
    first = networks.begin_create_or_update(group, "busy", NETWORK)
    start = len(world.calls())
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(lambda: networks.begin_create_or_update(group, "busy", {**NETWORK, "tags": {"a": "b"}}))
        wait_for(lambda: any(call["status"] == 429 for call in world.calls()[start:]))
        settle(world)
        assert second.result().result().tags == {"a": "b"}
    assert first.result().name == "busy"


def test_conditions_are_checked_kept_and_need_a_token(world: Cloud) -> None:
    for wrong in ({"quota": {}}, {"quotas": {"Microsoft.App/managedEnvironments": "many"}}, {"held": "everything"}):
        assert world.call("PUT", SETTINGS, json=wrong).status_code == 400
    assert world.call("PUT", SETTINGS, json={}, headers={"Authorization": "Bearer no"}).status_code == 401
    settle(world, quotas={"Microsoft.App/managedEnvironments": 3})
    world.stop()
    world.start()
    assert world.call("GET", SETTINGS).json()["quotas"] == {"Microsoft.App/managedEnvironments": 3}
    settle(world)
