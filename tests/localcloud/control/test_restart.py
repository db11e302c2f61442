"""After SIGKILL of the daemon everything that ran runs again: apps, databases and what was still being made."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from azure.core.exceptions import HttpResponseError
from azure.keyvault.secrets import SecretClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.postgresqlflexibleservers import PostgreSQLManagementClient

from ..conftest import LOCATION, Cloud, wait_for
from .conftest import Stack, make_stack
from .test_postgres import PASSWORD, body, port_of
from .test_vaults import grant, vault_body


@pytest.fixture
def mortal(fresh: Cloud) -> Stack:
    """A stack on a daemon that the test may kill."""
    return make_stack(fresh)


def restart(cloud: Cloud) -> None:
    cloud.stop(signal.SIGKILL)
    cloud.start()


def test_an_app_serves_again_in_its_last_ready_revision(mortal: Stack) -> None:
    made = mortal.put("app", mortal.body(GREETING="before"))
    broken = mortal.body(GATE="/never/opened")
    startup = {"type": "Startup", "httpGet": {"path": "/", "port": 80}, "periodSeconds": 1, "failureThreshold": 1}
    broken["properties"]["template"]["containers"][0]["probes"].append(startup)
    with pytest.raises(HttpResponseError):
        mortal.put("app", broken)
    restart(mortal.cloud)
    answer = mortal.ask(made).json()
    assert (answer["GREETING"], answer["CONTAINER_APP_REVISION"]) == ("before", made.properties.latest_revision_name)


def test_all_active_revisions_run_again_with_their_traffic(mortal: Stack) -> None:
    for greeting in ("one", "two"):
        body = mortal.body(GREETING=greeting)
        body["properties"]["template"]["revisionSuffix"] = greeting
        body["properties"]["configuration"]["activeRevisionsMode"] = "multiple"
        pinned = {"revisionName": "app--one", "weight": 100}
        body["properties"]["configuration"]["ingress"]["traffic"] = [pinned]
        made = mortal.put("app", body)
    restart(mortal.cloud)
    revisions = mortal.client.container_apps_revisions
    wait_for(lambda: revisions.get_revision(mortal.group, "app", "app--two").properties.running_state == "Running")
    assert {mortal.ask(made).json()["GREETING"] for _ in range(5)} == {"one"}


def test_an_app_that_was_being_made_is_made(mortal: Stack, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    path = f"{mortal.cloud.scope}/resourceGroups/{mortal.group}/providers/Microsoft.App/containerApps/app"
    accepted = mortal.cloud.call("PUT", path, json=mortal.body(GREETING="late", GATE=str(gate)))
    assert accepted.status_code == 201
    restart(mortal.cloud)
    gate.touch()
    poll = accepted.headers["Azure-AsyncOperation"].removeprefix(mortal.cloud.endpoint["arm"]).split("?")[0]
    wait_for(lambda: mortal.cloud.call("GET", poll).json()["status"] != "InProgress")
    assert mortal.cloud.call("GET", poll).json()["status"] == "Succeeded"
    assert mortal.ask(mortal.client.container_apps.get(mortal.group, "app")).json()["GREETING"] == "late"


def test_a_database_keeps_what_was_committed(fresh: Cloud) -> None:
    fresh.call("PUT", f"{fresh.scope}/resourceGroups/rg", json={"location": LOCATION})
    postgres = fresh.client(PostgreSQLManagementClient)
    postgres.servers.begin_create_or_update("rg", "pg-kept", body()).result()
    postgres.databases.begin_create("rg", "pg-kept", "chat", {"properties": {}}).result()

    def connect() -> Any:
        port = port_of(fresh, "pg-kept")
        return psycopg.connect(host="127.0.0.1", port=port, dbname="chat", user="chat", password=PASSWORD)

    with connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    restart(fresh)
    with connect() as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert postgres.servers.get("rg", "pg-kept").properties.state == "Ready"


def test_secrets_and_roles_are_still_there(fresh: Cloud) -> None:
    fresh.call("PUT", f"{fresh.scope}/resourceGroups/rg", json={"location": LOCATION})
    vaults = fresh.client(KeyVaultManagementClient).vaults
    vault = vaults.begin_create_or_update("rg", "kv-kept", vault_body(fresh)).result()
    grant(fresh, vault.id, "Key Vault Secrets Officer")
    fresh.secrets("kv-kept").set_secret("kept", "value")
    restart(fresh)
    assert fresh.secrets("kv-kept").get_secret("kept").value == "value"


def test_a_role_takes_its_time_when_told_to(tmp_path: Path) -> None:
    slow = Cloud(tmp_path / "home", ("--role-delay", "3600"))
    slow.start()
    slow.call("PUT", f"{slow.scope}/resourceGroups/rg", json={"location": LOCATION})
    vaults = slow.client(KeyVaultManagementClient).vaults
    vault = vaults.begin_create_or_update("rg", "kv-slow", vault_body(slow)).result()
    secrets = slow.secrets("kv-slow")
    grant(slow, vault.id, "Key Vault Secrets Officer")
    with pytest.raises(HttpResponseError, match="ForbiddenByRbac"):
        secrets.set_secret("soon", "value")
    assert slow.call("PUT", "/_local/clock", json={"advance": 3600}).status_code == 200
    wait_for(lambda: _may_write(secrets))
    assert slow.stop() == 0


def _may_write(secrets: SecretClient) -> bool:
    try:
        secrets.set_secret("soon", "value")
    except HttpResponseError:
        return False
    return True
