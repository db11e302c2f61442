"""Reads of real Azure: what is only rehearsed elsewhere. Nothing is written; skipped, and saying so, without access."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from rehearsal import Machine

from chatops.azure.cloud import real
from chatops.config import bundled

SUBSCRIPTION = os.environ.get("CHATOPS_AZURE_SUBSCRIPTION", "")

pytestmark = pytest.mark.azure_verified


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    if not SUBSCRIPTION:
        pytest.skip("no real Azure: CHATOPS_AZURE_SUBSCRIPTION is not set")
    cloud = real(SUBSCRIPTION, None)
    try:
        cloud.credential.get_token(cloud.scope)
    except ClientAuthenticationError as error:
        pytest.skip(f"no real Azure: {str(error.message).splitlines()[0]}")
    root = tmp_path_factory.mktemp("azure")
    made = Machine(root / "folder", root / "home")
    made.folder.mkdir()
    text = bundled.config_file("azure").read_text()
    made.config.write_text(text.replace("00000000-0000-0000-0000-000000000000", SUBSCRIPTION))
    return made


def test_doctor_knows_the_account_and_the_region(machine: Machine) -> None:
    rows: dict[str, Any] = {}
    for code in (0, 1):
        try:
            rows = {row["check"]: row for row in machine.chatops("doctor", "-o", "json", code=code).objects}
            break
        except AssertionError:
            continue
    assert rows["credential"]["result"] == rows["subscription"]["result"] == "ok"
    assert {"PostgreSQL offer", "quota: environments", "resource providers", "registry name"} <= set(rows)
    assert all(row["found"] and (row["result"] == "ok") == (row["do"] == "") for row in rows.values())


def test_plan_makes_everything_in_an_empty_subscription(machine: Machine, tmp_path: Path) -> None:
    machine.config.write_text(machine.config.read_text().replace("name: chat #", f"name: t{os.getpid()} #", 1))

    plan = machine.chatops("plan", "-o", "json").objects[0]

    assert plan["changes"] == plan["create"] == len(plan["steps"])
