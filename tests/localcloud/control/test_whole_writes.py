"""A write is kept whole or not at all: its second half is made to fail, as a kill between the two halves would."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import dns.message
import dns.rrset
import pytest
import requests
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from ..conftest import LOCATION, Cloud
from .conftest import Stack
from .registrar import Registrar
from .test_network import network, subnet
from .test_vaults import vault_body


@contextmanager
def no_new_operation(cloud: Cloud) -> Iterator[None]:
    """Meanwhile the store refuses what comes last in every asynchronous write."""
    with closing(sqlite3.connect(cloud.home / "world.db", timeout=120)) as db:
        refuse = "WHEN NEW.space = 'operations' BEGIN SELECT RAISE(ABORT, 'no more'); END"
        db.execute(f"CREATE TRIGGER refuse BEFORE INSERT ON documents {refuse}")
        yield
        db.execute("DROP TRIGGER refuse")


@pytest.fixture
def failing(fresh: Cloud) -> Cloud:
    fresh.client(ResourceManagementClient).resource_groups.create_or_update("rg", {"location": LOCATION})
    return fresh


def test_a_network_keeps_its_subnets_when_their_replacement_fails(failing: Cloud) -> None:
    path = f"{failing.scope}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vn"
    assert failing.call("PUT", path, json=network(subnet("a", "10.0.0.0/25"))).status_code == 201
    with no_new_operation(failing):
        assert failing.call("PUT", path, json=network(subnet("b", "10.0.0.128/25"))).status_code == 500
    shown = failing.call("GET", path).json()
    assert [one["name"] for one in shown["properties"]["subnets"]] == ["a"]


def test_a_deleted_vault_is_still_there_when_its_recovery_fails(failing: Cloud) -> None:
    vaults = failing.client(KeyVaultManagementClient).vaults
    vaults.begin_create_or_update("rg", "kv-kept", vault_body(failing)).result()
    vaults.delete("rg", "kv-kept")
    path = f"{failing.scope}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-kept"
    recover = vault_body(failing, createMode="recover")
    with no_new_operation(failing):
        assert failing.call("PUT", path, json=recover).status_code == 500
    assert [one.name for one in vaults.list_deleted()] == ["kv-kept"]
    assert failing.call("PUT", path, json=recover).status_code == 200
    assert list(vaults.list_deleted()) == []


def test_nothing_is_put_into_a_group_that_went_while_dns_was_asked(stack: Stack, group: str) -> None:
    cloud, body, answers = stack.cloud, stack.body(), list[requests.Response]()
    body["properties"]["configuration"]["ingress"]["customDomains"] = [{"name": "chat.held.example"}]
    path = f"{cloud.scope}/resourceGroups/{group}/providers/Microsoft.App/containerApps/late"
    proof = cloud.call("POST", f"{cloud.scope}/providers/Microsoft.App/getCustomDomainVerificationId").json()
    groups = cloud.client(ResourceManagementClient).resource_groups
    assert groups.check_existence(group)  # and it is signed in: who asks a name server waits for four seconds only
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(120)
        Registrar(cloud, group).delegate(**{"held.example": f"127.0.0.1:{server.getsockname()[1]}"})
        writer = threading.Thread(target=lambda: answers.append(cloud.call("PUT", path, json=body)))
        writer.start()
        wire, asker = server.recvfrom(4096)
        groups.begin_delete(group, polling_interval=0).result()
        response = dns.message.make_response(query := dns.message.from_wire(wire))
        response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", proof))
        server.sendto(response.to_wire(), asker)
        writer.join()
    Registrar(cloud, group).delegate()
    assert (answers[0].status_code, answers[0].json()["error"]["code"]) == (404, "ResourceGroupNotFound")
