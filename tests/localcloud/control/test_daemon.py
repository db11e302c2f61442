"""The daemon itself: its files, its lock, its end, and what it remembers after SIGKILL."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from ..conftest import LOCATION, Cloud, wait_for
from .test_network import network, subnet
from .test_postgres import PASSWORD, body


def test_only_the_owner_can_read_the_home(fresh: Cloud) -> None:
    assert stat.S_IMODE(fresh.home.stat().st_mode) == 0o700
    readable = [path for path in fresh.home.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert readable == []


def test_a_second_daemon_on_the_same_home_refuses(fresh: Cloud) -> None:
    command = [sys.executable, "-m", "chatops.localcloud", "--home", str(fresh.home)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 1
    assert "another local cloud is running" in second.stderr
    assert json.loads((fresh.home / "endpoint.json").read_text())["pid"] == fresh.endpoint["pid"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_order(fresh: Cloud, number: int) -> None:
    assert fresh.process is not None
    children = psutil.Process(fresh.process.pid).children(recursive=True)
    assert fresh.stop(number) == 0
    assert not (fresh.home / "endpoint.json").exists()
    assert [child for child in children if child.is_running()] == []


def test_the_world_survives_a_kill(fresh: Cloud) -> None:
    groups = fresh.client(ResourceManagementClient).resource_groups
    groups.create_or_update("rg", {"location": LOCATION, "tags": {"kept": "yes"}})
    networks = fresh.client(NetworkManagementClient).virtual_networks
    before = networks.begin_create_or_update("rg", "vn", network(subnet("a", "10.0.0.0/25"))).result()
    endpoint, token = fresh.endpoint, fresh.token
    fresh.stop(signal.SIGKILL)
    fresh.start()
    same = ("arm", "active_directory", "subscription", "tenant", "client_id", "proxy")
    assert {name: fresh.endpoint[name] for name in same} == {name: endpoint[name] for name in same}
    after = fresh.call("GET", before.id, headers={"Authorization": f"Bearer {token}"}).json()
    assert after["etag"] == before.etag
    assert [one["name"] for one in after["properties"]["subnets"]] == ["a"]


def test_an_operation_cut_off_by_a_kill_gets_an_honest_end(fresh: Cloud) -> None:
    """The password was never stored, so a server that was half made cannot be finished: its operation fails."""
    fresh.client(ResourceManagementClient).resource_groups.create_or_update("rg", {"location": LOCATION})
    path = f"{fresh.scope}/resourceGroups/rg/providers/Microsoft.DBforPostgreSQL/flexibleServers/pg-cut"
    accepted = fresh.call("PUT", path, json=body())
    fresh.stop(signal.SIGKILL)
    assert accepted.status_code == 202
    fresh.start()
    poll = accepted.headers["Azure-AsyncOperation"].removeprefix(fresh.endpoint["arm"]).split("?")[0]
    servers = fresh.client(PostgreSQLManagementClient).servers
    states = {"InProgress"}
    while states == {"InProgress"}:
        states = {fresh.call("GET", poll).json()["status"]}
    assert states == {"Failed"}
    assert servers.get("rg", "pg-cut").properties.state != "Ready"
    assert servers.begin_create_or_update("rg", "pg-cut", body()).result().properties.state == "Ready"


def test_a_kill_while_its_secrets_are_made_leaves_none_that_are_empty(tmp_path: Path) -> None:
    """Files that were made and not yet written: an empty secret would let everybody in."""
    cloud = Cloud(tmp_path / "home")
    cloud.home.mkdir(mode=0o700)
    for name in ("client-secret", "token.key"):
        (cloud.home / name).touch(mode=0o600)
    cloud.start()
    try:
        assert all(len((cloud.home / name).read_text()) > 30 for name in ("client-secret", "token.key"))
        assert cloud.call("GET", cloud.scope).status_code == 200
    finally:
        cloud.stop()


def test_a_refusal_that_is_cut_off_by_a_kill_is_none_the_less_one(fresh: Cloud) -> None:
    fresh.client(ResourceManagementClient).resource_groups.create_or_update("rg", {"location": LOCATION})
    type = "Microsoft.Network/privateDnsZones"
    path = f"{fresh.scope}/resourceGroups/rg/providers/{type}/held.example"
    put = fresh.call("PUT", path, json={"location": "global", "tags": {"first": "yes"}})
    poll = put.headers["Azure-AsyncOperation"].removeprefix(fresh.endpoint["arm"]).split("?")[0]
    wait_for(lambda: bool(fresh.call("GET", poll).json()["status"] == "Succeeded"))
    fresh.call("PUT", "/_local/settings", json={"held": [type]})
    again = fresh.call("PUT", path, json={"location": "global"}, headers={"If-None-Match": "*"})
    assert again.status_code == 202
    fresh.stop(signal.SIGKILL)
    fresh.start()
    fresh.call("PUT", "/_local/settings", json={})
    poll = again.headers["Azure-AsyncOperation"].removeprefix(fresh.endpoint["arm"]).split("?")[0]
    wait_for(lambda: bool(fresh.call("GET", poll).json()["status"] != "InProgress"))
    ended = fresh.call("GET", poll).json()
    assert (ended["status"], ended["error"]["code"]) == ("Failed", "PreconditionFailed")
    assert fresh.call("GET", path).json()["tags"] == {"first": "yes"}


def test_operations_are_forgotten_while_the_daemon_runs(fresh: Cloud) -> None:
    fresh.client(ResourceManagementClient).resource_groups.create_or_update("rg", {"location": LOCATION})
    path = f"{fresh.scope}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks"
    put = fresh.call("PUT", f"{path}/first", json=network())
    poll = put.headers["Azure-AsyncOperation"].removeprefix(fresh.endpoint["arm"]).split("?")[0]
    wait_for(lambda: bool(fresh.call("GET", poll).json()["status"] == "Succeeded"))
    fresh.call("PUT", "/_local/clock", json={"advance": 2 * 86_400})
    fresh.call("PUT", f"{path}/second", json=network())
    assert fresh.call("GET", poll).status_code == 404


def test_unknown_operations_are_not_found(cloud: Cloud) -> None:
    path = f"{cloud.scope}/providers/Microsoft.DBforPostgreSQL/locations/eastus/azureAsyncOperation/nothing"
    answer = cloud.call("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "OperationIdNotFound")


def test_the_journal_tells_calls_and_no_secrets(fresh: Cloud) -> None:
    group = f"{fresh.scope}/resourceGroups/rg"
    fresh.call("PUT", group, "2025-04-01", json={"location": LOCATION, "tags": {"secret": "in-the-body"}})
    fresh.call("GET", group, params={"key": "in-the-query"})
    put, get = (line for line in fresh.calls() if line["plane"] == "management")
    assert (put["method"], put["path"], put["api_version"], put["status"]) == ("PUT", group, "2025-04-01", 201)
    assert get["status"] == 200
    assert put["ms"] > 0
    assert put["time"] < get["time"]
    journal = Path(fresh.endpoint["calls"]).read_text()
    for secret in ("in-the-body", "in-the-query", fresh.token, "Bearer"):
        assert secret not in journal


def test_passwords_stay_out_of_every_file_that_others_may_read(fresh: Cloud) -> None:
    fresh.client(ResourceManagementClient).resource_groups.create_or_update("rg", {"location": LOCATION})
    servers = fresh.client(PostgreSQLManagementClient).servers
    servers.begin_create_or_update("rg", "pg-quiet", body()).result()
    with pytest.raises(HttpResponseError):
        servers.begin_create_or_update("rg", "pg-quiet", body(version="9"))
    fresh.stop()
    holding = [path for path in fresh.home.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
    assert holding == []
