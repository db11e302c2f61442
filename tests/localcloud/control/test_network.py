"""Virtual networks, subnets and private DNS: what Azure computes, refuses, and how deletes are ordered."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.privatedns import PrivateDnsManagementClient

from ..conftest import LOCATION, Cloud, code_of

APPS = "Microsoft.App/environments"


def subnet(name: str, prefix: str, service: str | None = None) -> dict[str, Any]:
    delegations = [{"name": "d", "properties": {"serviceName": service}}] if service else []
    return {"name": name, "properties": {"addressPrefix": prefix, "delegations": delegations}}


def network(*subnets: dict[str, Any], space: str = "10.0.0.0/24") -> dict[str, Any]:
    return {"location": LOCATION, "properties": {"addressSpace": {"addressPrefixes": [space]}, "subnets": [*subnets]}}


@pytest.fixture
def networks(cloud: Cloud) -> NetworkManagementClient:
    return cloud.client(NetworkManagementClient)


def test_a_network_with_subnets(networks: NetworkManagementClient, group: str) -> None:
    body = network(subnet("apps", "10.0.0.0/25", APPS), subnet("db", "10.0.0.128/25"))
    made = networks.virtual_networks.begin_create_or_update(group, "vn", body).result()
    assert made.properties.provisioning_state == "Succeeded"
    assert made.etag
    assert [one.name for one in made.properties.subnets] == ["apps", "db"]
    found = networks.subnets.get(group, "vn", "apps")
    assert found.properties.delegations[0].properties.service_name == APPS
    assert found.properties.delegations[0].properties.actions == [
        "Microsoft.Network/virtualNetworks/subnets/join/action"
    ]
    networks.virtual_networks.begin_delete(group, "vn").result()
    with pytest.raises(ResourceNotFoundError):
        networks.virtual_networks.get(group, "vn")


def test_subnets_are_resources_of_their_own(networks: NetworkManagementClient, group: str) -> None:
    networks.virtual_networks.begin_create_or_update(group, "vn", network()).result()
    networks.subnets.begin_create_or_update(group, "vn", "late", subnet("late", "10.0.0.0/26")).result()
    assert [one.name for one in networks.virtual_networks.get(group, "vn").properties.subnets] == ["late"]
    networks.subnets.begin_delete(group, "vn", "late").result()
    with pytest.raises(ResourceNotFoundError) as caught:
        networks.subnets.get(group, "vn", "late")
    assert code_of(caught.value) == "NotFound"
    with pytest.raises(ResourceNotFoundError) as caught:
        networks.subnets.get(group, "nowhere", "late")
    assert code_of(caught.value) == "ResourceNotFound"


def test_a_put_without_a_subnet_drops_it(networks: NetworkManagementClient, group: str) -> None:
    both = network(subnet("a", "10.0.0.0/26"), subnet("b", "10.0.0.64/26"))
    first = networks.virtual_networks.begin_create_or_update(group, "vn", both).result()
    only = networks.virtual_networks.begin_create_or_update(group, "vn", network(subnet("b", "10.0.0.64/26"))).result()
    assert [one.name for one in only.properties.subnets] == ["b"]
    assert only.properties.resource_guid == first.properties.resource_guid
    assert only.etag != first.etag


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (network(space="10.0.0.0/33"), "InvalidAddressPrefixFormat"),
        (network(space="10.0.0.1/24"), "InvalidCIDRNotation"),
        (network(subnet("a", "ten"), space="10.0.0.0/24"), "InvalidAddressPrefixFormat"),
        (network(subnet("a", "10.0.1.0/25")), "NetcfgInvalidSubnet"),
        (network(subnet("a", "10.0.0.0/25"), subnet("b", "10.0.0.64/26")), "NetcfgSubnetRangesOverlap"),
    ],
)
def test_wrong_addresses(networks: NetworkManagementClient, group: str, body: Any, code: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        networks.virtual_networks.begin_create_or_update(group, "vn", body)
    assert (caught.value.status_code, code_of(caught.value)) == (400, code)
    with pytest.raises(ResourceNotFoundError):
        networks.virtual_networks.get(group, "vn")


def test_if_match(cloud: Cloud, networks: NetworkManagementClient, group: str) -> None:
    made = networks.virtual_networks.begin_create_or_update(group, "vn", network()).result()
    stale = cloud.call("PUT", made.id, json=network(), headers={"If-Match": 'W/"stale"'})
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "PreconditionFailed")
    assert cloud.call("PUT", made.id, json=network(), headers={"If-Match": made.etag}).status_code == 200


def test_a_zone_and_its_link(cloud: Cloud, networks: NetworkManagementClient, group: str) -> None:
    name = "test.private.postgres.database.azure.com"
    vn = networks.virtual_networks.begin_create_or_update(group, "vn", network()).result()
    dns = cloud.client(PrivateDnsManagementClient)
    zone = dns.private_zones.begin_create_or_update(group, name, {"location": "global"}).result()
    assert zone.properties.number_of_record_sets == 1
    body = {"location": "global", "properties": {"virtualNetwork": {"id": vn.id}, "registrationEnabled": False}}
    link = dns.virtual_network_links.begin_create_or_update(group, name, "Link", body).result()
    assert (link.name, link.properties.virtual_network_link_state) == ("link", "Completed")
    with pytest.raises(HttpResponseError) as caught:
        dns.private_zones.begin_delete(group, name)
    assert (caught.value.status_code, code_of(caught.value)) == (409, "CannotDeleteResource")
    dns.virtual_network_links.begin_delete(group, name, "LINK").result()
    dns.private_zones.begin_delete(group, name).result()
    assert list(dns.private_zones.list_by_resource_group(group)) == []


def test_records(cloud: Cloud, group: str) -> None:
    dns = cloud.client(PrivateDnsManagementClient)
    dns.private_zones.begin_create_or_update(group, "corp.example", {"location": "global"}).result()
    body = {"properties": {"ttl": 60, "aRecords": [{"ipv4Address": "10.0.0.4"}]}}
    made = dns.record_sets.create_or_update(group, "corp.example", "A", "db", body)
    assert made.properties.fqdn == "db.corp.example."
    names = [(one.type.rsplit("/", 1)[1], one.name) for one in dns.record_sets.list(group, "corp.example")]
    assert names == [("SOA", "@"), ("A", "db")]
    with pytest.raises(ResourceNotFoundError) as caught:
        dns.record_sets.create_or_update(group, "no.example", "A", "db", body)
    assert caught.value.error is not None
