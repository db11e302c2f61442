"""A custom domain from the command line: bound in one go, served over TLS, left alone by other commands, taken off."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rehearsal import Machine

from chatops.azure.clients import Azure
from chatops.azure.cloud import Cloud, local

HOST, ZONE, GROUP = "chat.example.org", "example.org", "dns-rg"
OLD = "ui.oldfield-11112222.westeurope.azurecontainerapps.io"


@pytest.fixture
def azure(stack: Machine) -> Iterator[Azure]:
    """The operator's own zone, with mail in it, in a group that is not the stack's."""
    azure = Azure(local(stack.home / "cloud" / "endpoint.json"))
    azure.resources.resource_groups.create_or_update(GROUP, {"location": "westeurope"})
    azure.dns.zones.create_or_update(GROUP, ZONE, {"location": "global"})
    mail: Any = {"ttl": 60, "mx_records": [{"preference": 10, "exchange": "mail.example.org"}]}
    azure.dns.record_sets.create_or_update(GROUP, ZONE, "@", "MX", mail)
    yield azure
    azure.resources.resource_groups.begin_delete(GROUP).result()


def test_the_life_of_a_domain(stack: Machine, azure: Azure) -> None:
    before = stack.config.read_text()
    bound = stack.chatops("domain", "bind", HOST, "--output", "json").objects
    assert bound[-1]["domain"] == HOST
    assert over_tls(azure.cloud, "GET / HTTP/1.1").startswith("HTTP/1.1 200")
    assert "zone_resource_group: dns-rg" in stack.config.read_text()

    assert "0 changes" in stack.chatops("domain", "bind", HOST).out
    stack.chatops("scale", "ui", "--max", "4", "--temporary", "--no-wait")
    assert "1 change" in stack.chatops("up").out
    (row,) = stack.chatops("domain", "status", "--output", "json").objects
    assert (row["binding"], row["certificate"], row["wrong"]) == ("SniEnabled", "managed, Succeeded", "")
    assert any(HOST in note for note in stack.chatops("status", "--output", "json").objects[0]["notes"])

    marks = azure.dns.record_sets.get(GROUP, ZONE, "chat", "CNAME").metadata
    moved: Any = {"ttl": 60, "cname_record": {"cname": OLD}, "metadata": marks}
    azure.dns.record_sets.create_or_update(GROUP, ZONE, "chat", "CNAME", moved)
    (told,) = stack.chatops("domain", "doctor", "--output", "json", code=1).objects
    assert (told["case"], told["who"]) == ("cname-to-old-environment", "chatops (run `chatops up`)")
    mended = stack.chatops("up")
    assert f"{HOST} still leads to {OLD}: its record is changed" in mended.err
    assert "1 change" in mended.out

    stack.chatops("domain", "unbind", HOST, "--yes")
    assert stack.config.read_text() == before
    left = {record.type.rpartition("/")[2] for record in azure.dns.record_sets.list_by_dns_zone(GROUP, ZONE)}
    assert left == {"SOA", "NS", "MX"}
    assert "0 changes" in stack.chatops("plan").out


def over_tls(cloud: Cloud, request: str) -> str:
    """Send one request as a browser would that trusts the local cloud's authority, and return the answer's head."""
    assert cloud.ingress_tls
    address, _, port = cloud.ingress_tls.removeprefix("https://").rpartition(":")
    plain = socket.create_connection((address, int(port)), timeout=60)
    context = ssl.create_default_context(cafile=cloud.ca_file)
    with plain, context.wrap_socket(plain, server_hostname=HOST) as secure:
        secure.sendall(f"{request}\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        return secure.makefile("rb").readline().decode()


def test_without_a_file_of_ones_own_there_is_nothing_to_keep_a_domain_in(tmp_path: Path) -> None:
    machine = Machine(tmp_path, tmp_path / "home")
    refused = machine.chatops("domain", "bind", HOST, "--output", "json", code=2)
    assert "chatops init" in json.loads(refused.err)["error"]["hint"]
    assert not machine.home.exists()


def test_a_name_that_cannot_be_bound_is_refused_before_anything(tmp_path: Path) -> None:
    machine = Machine(tmp_path, tmp_path / "home")
    machine.config.write_text("name: chat\n")
    assert (
        "managed certificates are issued for one name each" in machine.chatops("domain", "bind", "*.a.org", code=2).err
    )
    assert machine.config.read_text() == "name: chat\n"
    assert not machine.home.exists()
