"""Money, whole: an hour of a real stack (the clock is put ahead) on the bill and in the estimate; the budget."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
from rehearsal import Machine

from chatops.azure.cloud import local

CONFIG = """
name: money
location: eastus
budget:
  amount: 5000
"""
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with a stack in a region whose prices are known."""
    root = tmp_path_factory.mktemp("money")
    machine = Machine(root / "folder", root / "home")
    machine.folder.mkdir()
    machine.config.write_text(CONFIG)
    machine.chatops("up", "--yes")
    yield machine
    machine.chatops("cloud", "reset", "--yes")


def put_ahead(machine: Machine, seconds: float) -> None:
    cloud = local(machine.home / "cloud" / "endpoint.json")
    token = cloud.credential.get_token(cloud.scope).token
    url, headers = f"{cloud.arm}/_local/clock", {"Authorization": f"Bearer {token}"}
    body, query = {"advance": seconds}, {"api-version": "2024-01-01"}
    requests.put(url, json=body, params=query, headers=headers, verify=cloud.ca_file, timeout=120).raise_for_status()


def billed(machine: Machine) -> dict[str, Any]:
    idle = ("--users", "0", "--hours", "0")
    return dict(machine.chatops("cost", "--billed", "--fresh", *idle, "--output", "json").objects[0])


def test_an_hour_on_the_bill_is_an_hour_in_the_estimate_to_the_cent(owner: Machine) -> None:
    put_ahead(owner, 1)  # a look at the replicas: what `up` asked of them is not of the hour to come
    put_ahead(owner, 3600)
    bill = billed(owner)
    while Decimal(bill["billed"]) < CENT:  # until the local cloud has looked at its clock
        bill = billed(owner)
    low, high = Decimal(bill["estimated"]["low"]), Decimal(bill["estimated"]["high"])
    assert low == high
    assert abs(Decimal(bill["billed"]) - low) < CENT / 2
    assert Decimal("0.085") < low < Decimal("0.2"), "an hour, and what the machine took"
    assert not bill["partial"]
    apps = {row["resource"]: row["quantities"] for row in bill["resources"] if "container app '" in row["resource"]}
    assert len(apps) == 3
    for quantities in apps.values():
        seconds = {one["meter"]: one for one in quantities}["idle vCPU"]
        assert float(seconds["billed"]) == pytest.approx(float(seconds["expected"]), rel=0.1)


def test_the_bill_is_asked_for_once_an_hour(owner: Machine) -> None:
    owner.chatops("cost", "--billed", "--fresh")
    before = len(owner.journal())
    shown = owner.chatops("cost", "--billed").out
    asked = [call for call in owner.journal()[before:] if call["path"].endswith("/query")]
    assert asked == []
    assert "as Cost Management said on" in shown and "PostgreSQL server" in shown


def test_a_month_to_come_has_no_bill(owner: Machine) -> None:
    assert "is yet to come" in owner.chatops("cost", "--billed", "--month", "2099-01", code=2).err


def test_what_would_pass_the_budget_is_refused_unless_told(owner: Machine) -> None:
    owner.config.write_text(CONFIG.replace("5000", "20") + "registry:\n  sku: Premium\n")
    before = len(owner.journal())
    refused = owner.chatops("up", "--yes", code=1)
    assert "more than the budget of $20.00: nothing was changed" in refused.err
    assert "--over-budget" in refused.err
    writes = [call for call in owner.journal()[before:] if call["method"] in ("PUT", "PATCH", "DELETE")]
    assert writes == []
    assert "registry 'moneycr" in owner.chatops("up", "--yes", "--over-budget").out
    owner.config.write_text(CONFIG.replace("5000", "20"))
    assert "1 change" in owner.chatops("up", "--yes").out, "what makes it cheaper is let through"
