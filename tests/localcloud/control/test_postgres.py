"""PostgreSQL flexible servers: Azure's rules, and a real server that takes the administrator's password."""

from __future__ import annotations

import copy
from typing import Any

import psycopg
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient
from azure.mgmt.privatedns import PrivateDnsManagementClient

from ..conftest import LOCATION, Cloud, code_of, wait_for

PASSWORD = "Tr0ub4dor-and-3"
SERVICE = "Microsoft.DBforPostgreSQL/flexibleServers"


def body(**properties: Any) -> dict[str, Any]:
    login = {"administratorLogin": "chat", "administratorLoginPassword": PASSWORD, "version": "16"}
    sku = {"name": "Standard_B1ms", "tier": "Burstable"}
    return {"location": LOCATION, "sku": sku, "properties": {**login, **properties}}


@pytest.fixture
def postgres(cloud: Cloud) -> PostgreSQLManagementClient:
    return cloud.client(PostgreSQLManagementClient)


def port_of(cloud: Cloud, server: str) -> int:
    """Where the real server listens: what a replica is told, read from the runtime's own record."""
    import json

    for record in cloud.home.glob("postgres/*/server.json"):
        found = json.loads(record.read_text())
        if found["id"].endswith(f"/{server}"):
            return int(found["port"])
    raise AssertionError(f"{server} does not run")


def test_a_server_really_runs(cloud: Cloud, postgres: PostgreSQLManagementClient, group: str) -> None:
    running = postgres.servers.begin_create_or_update(group, "pg-runs", body())
    with pytest.raises(ResourceExistsError) as caught:
        postgres.servers.begin_create_or_update(group, "pg-runs", body())
    assert code_of(caught.value) == "ServerIsBusy"
    made = running.result()
    assert (made.properties.state, made.properties.version) == ("Ready", "16")
    assert made.properties.fully_qualified_domain_name == "pg-runs.postgres.database.azure.com"
    assert made.location == "Germany West Central"
    assert PASSWORD not in cloud.call("GET", made.id).text
    database = postgres.databases.begin_create(group, "pg-runs", "chat", {"properties": {}}).result()
    assert database.properties.charset == "UTF8"
    where = {"host": "127.0.0.1", "port": port_of(cloud, "pg-runs"), "dbname": "chat", "user": "chat"}
    with psycopg.connect(**where, password=PASSWORD) as connection:
        version = connection.execute("SHOW server_version").fetchone()
    minor = made.properties.minor_version
    assert version in ((f"16.{minor}",), (minor,))
    changed = {"properties": {"administratorLoginPassword": "Another-0ne!"}}
    postgres.servers.begin_update(group, "pg-runs", changed).result()
    with psycopg.connect(**where, password="Another-0ne!") as connection:
        connection.execute("SELECT 1")
    with pytest.raises(ResourceNotFoundError):
        postgres.databases.get(group, "pg-runs", "nothing")
    postgres.databases.begin_delete(group, "pg-runs", "chat").result()
    postgres.servers.begin_delete(group, "pg-runs").result()
    with pytest.raises(ResourceNotFoundError):
        postgres.servers.get(group, "pg-runs")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**where, password=PASSWORD, connect_timeout=2)


def test_a_stopped_server_keeps_its_data_and_takes_no_change(
    cloud: Cloud, postgres: PostgreSQLManagementClient, group: str
) -> None:
    postgres.servers.begin_create_or_update(group, "pg-rests", body()).result()
    where = {"host": "127.0.0.1", "port": port_of(cloud, "pg-rests"), "user": "chat", "password": PASSWORD}
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE kept")
    postgres.servers.begin_stop(group, "pg-rests").result()
    assert postgres.servers.get(group, "pg-rests").properties.state == "Stopped"
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**where, dbname="kept", connect_timeout=2)
    with pytest.raises(HttpResponseError) as caught:
        postgres.servers.begin_update(group, "pg-rests", {"properties": {"backup": {"backupRetentionDays": 9}}})
    assert code_of(caught.value) == "UpsertServerManagementOperationComputeOnlySupportForStoppedServer"
    with pytest.raises(HttpResponseError) as caught:
        postgres.servers.begin_stop(group, "pg-rests")
    assert code_of(caught.value) == "ServerIsNotReady"
    postgres.servers.begin_start(group, "pg-rests").result()
    assert postgres.servers.get(group, "pg-rests").properties.state == "Ready"
    where["port"] = port_of(cloud, "pg-rests")
    with psycopg.connect(**where, dbname="kept") as connection:
        connection.execute("SELECT 1")
    postgres.servers.begin_delete(group, "pg-rests").result()


def test_a_stopped_server_is_started_by_azure_after_seven_days(fresh: Cloud) -> None:
    """In a world of its own, whose clock goes a week ahead: with what it held, and none before its time.

    Servers are looked at in the order of their names: whoever finds `pg-week` started has passed by `pg-day`.
    """
    fresh.call("PUT", f"{fresh.scope}/resourceGroups/rg", json={"location": LOCATION})
    servers = fresh.client(PostgreSQLManagementClient).servers

    def advance(hours: int) -> None:
        assert fresh.call("PUT", "/_local/clock", json={"advance": hours * 3600}).status_code == 200

    def connect(database: str) -> Any:
        where = {"host": "127.0.0.1", "port": port_of(fresh, "pg-week"), "user": "chat", "password": PASSWORD}
        return psycopg.connect(**where, dbname=database, autocommit=True)

    servers.begin_create_or_update("rg", "pg-week", body()).result()
    with connect("postgres") as connection:
        connection.execute("CREATE DATABASE kept")
    servers.begin_stop("rg", "pg-week").result()
    advance(6 * 24)
    servers.begin_create_or_update("rg", "pg-day", body()).result()
    servers.begin_stop("rg", "pg-day").result()
    assert servers.get("rg", "pg-week").properties.state == "Stopped"
    advance(25)
    wait_for(lambda: servers.get("rg", "pg-week").properties.state == "Ready")
    assert servers.get("rg", "pg-day").properties.state == "Stopped"
    with connect("kept") as connection:
        connection.execute("SELECT 1")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"administratorLogin": "azure_superuser"}, "InvalidParameterValue"),
        ({"administratorLoginPassword": "short"}, "InvalidParameterValue"),
        ({"version": "9"}, "InvalidParameterValue"),
        ({"storage": {"storageSizeGB": 33}}, "InvalidParameterValue"),
        ({"network": {"delegatedSubnetResourceId": "/subscriptions/x"}}, "EmptyPrivateDnsZoneArmResourceId"),
    ],
)
def test_wrong_servers(postgres: PostgreSQLManagementClient, group: str, change: Any, code: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        postgres.servers.begin_create_or_update(group, "pg-wrong", body(**change))
    assert (caught.value.status_code, code_of(caught.value)) == (400, code)


def test_a_sku_that_is_not_offered(postgres: PostgreSQLManagementClient, group: str) -> None:
    wrong = copy.deepcopy(body())
    wrong["sku"] = {"name": "Standard_B1ms", "tier": "GeneralPurpose"}
    with pytest.raises(HttpResponseError) as caught:
        postgres.servers.begin_create_or_update(group, "pg-wrong", wrong)
    assert code_of(caught.value) == "InvalidParameterValue"


def test_an_unlinked_zone_fails_inside_the_operation(
    cloud: Cloud, postgres: PostgreSQLManagementClient, group: str
) -> None:
    delegation = {"name": "d", "properties": {"serviceName": SERVICE}}
    subnet = {"name": "db", "properties": {"addressPrefix": "10.0.0.0/25", "delegations": [delegation]}}
    properties = {"addressSpace": {"addressPrefixes": ["10.0.0.0/24"]}, "subnets": [subnet]}
    networks = cloud.client(NetworkManagementClient).virtual_networks
    network = networks.begin_create_or_update(group, "vn", {"location": LOCATION, "properties": properties}).result()
    zones = cloud.client(PrivateDnsManagementClient).private_zones
    zone = zones.begin_create_or_update(group, "x.postgres.database.azure.com", {"location": "global"}).result()
    ids = {"delegatedSubnetResourceId": network.properties.subnets[0].id, "privateDnsZoneArmResourceId": zone.id}
    running = postgres.servers.begin_create_or_update(group, "pg-alone", body(network=ids))
    with pytest.raises(HttpResponseError) as caught:
        running.result()
    assert code_of(caught.value) == "PrivateDnsZoneNotLinked"


def test_offers(cloud: Cloud, postgres: PostgreSQLManagementClient) -> None:
    capability = next(iter(postgres.capabilities_by_location.list(LOCATION)))
    editions = {edition.name for edition in capability.supported_server_editions}
    assert "Burstable" in editions
    assert "16" in {version.name for version in capability.supported_server_versions}
    assert postgres.private_dns_zone_suffix.get() == "postgres.database.azure.com"
    free = postgres.name_availability.check_with_location(LOCATION, {"name": "free-name", "type": SERVICE})
    assert free.name_available is True
