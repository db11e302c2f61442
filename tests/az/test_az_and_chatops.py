"""`az` and chatops on the same resources: chatops adopts what az made where names match, az sees what chatops made."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from operator_az import AZ, MISSING, Operator
from rehearsal import CHATOPS, LOCAL_CONFIG, Machine

from chatops.naming import Names

pytestmark = pytest.mark.skipif(AZ is None, reason=MISSING)
SUBNETS = (
    ("apps", "10.0.0.0/25", "Microsoft.App/environments"),
    ("database", "10.0.0.128/25", "Microsoft.DBforPostgreSQL/flexibleServers"),
)
OFFICER = "Key Vault Secrets Officer"


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    root = tmp_path_factory.mktemp("shared")
    machine = Machine(root, root / "home")
    shutil.copy(LOCAL_CONFIG, machine.config)
    machine.chatops("cloud", "start")
    operator = Operator(machine, root / "operator")
    operator.login()
    yield operator
    machine.chatops("cloud", "reset", "--yes")


@pytest.fixture(scope="module")
def by_az(operator: Operator) -> Names:
    """The stack's group, network, vault and the operator's role on it, made by az under the names that chatops uses."""
    names = Names("chat", operator.environment["AZURE_SUBSCRIPTION_ID"], "chat-rg")
    here = ("--location", "germanywestcentral")
    operator.az("group", "create", "--name", "chat-rg", *here)
    operator.az("network", "vnet", "create", "-g", "chat-rg", "-n", "chat-vnet", "--address-prefix", "10.0.0.0/24")
    for name, prefix, service in SUBNETS:
        subnet = ("-n", name, "--vnet-name", "chat-vnet", "--address-prefixes", prefix, "--delegations", service)
        operator.az("network", "vnet", "subnet", "create", "-g", "chat-rg", *subnet)
    vault = names.world("kv")
    made = operator.az("keyvault", "create", "-g", "chat-rg", "-n", vault, *here, "--retention-days", "7")
    email = operator.environment["CHATOPS_OPERATOR_EMAIL"]
    operator.az("role", "assignment", "create", "--role", OFFICER, "--assignee", email, "--scope", made["id"])
    return names


def planned(operator: Operator) -> dict[str, Any]:
    """The plan, made in the same shell in which az runs."""
    ran = operator.run(str(CHATOPS), "plan", "-c", str(operator.machine.config), "--output", "json")
    assert ran.returncode == 0, ran.stderr
    return {step["address"]: step for step in json.loads(ran.stdout)["steps"]}


def test_the_plan_says_what_it_adopts(operator: Operator, by_az: Names) -> None:
    plan = planned(operator)
    for address in ("group", "network", "vault"):
        assert plan[address]["action"] == "update"
        assert [change["path"] for change in plan[address]["changes"]] == ["tags.chatops-stack"]
        assert "exists without this stack's tag: adopted" in plan[address]["reason"]
    assert plan["role/secrets-officer"]["action"] == "noop"
    assert "adopted" in plan["role/secrets-officer"]["reason"]
    assert plan["registry"]["action"] == "create"


def test_down_deletes_nothing_that_was_not_adopted(operator: Operator, by_az: Names) -> None:
    said = operator.machine.chatops("down", "--yes").out
    assert "nothing to take down" in said
    assert operator.az("group", "exists", "--name", "chat-rg") is True


def test_up_adopts_and_az_sees_the_whole_stack(operator: Operator, by_az: Names) -> None:
    operator.machine.chatops("up")
    assert {step["action"] for step in planned(operator).values()} == {"noop"}
    group = operator.az("group", "show", "--name", "chat-rg")
    assert group["tags"] == {"chatops-stack": "chat"}
    apps = operator.az("containerapp", "list", "-g", "chat-rg")
    assert {app["name"] for app in apps} == {"ui", "db-api", "lm-api"}
    shown = operator.az("containerapp", "show", "-g", "chat-rg", "-n", "lm-api")
    assert shown["properties"]["template"]["scale"]["rules"][0]["http"]["metadata"]["concurrentRequests"] == "2"
    secrets = operator.az("keyvault", "secret", "list", "--vault-name", by_az.world("kv"))
    assert {one["name"] for one in secrets} == {"postgres-username", "postgres-password", "session-key"}


def test_down_deletes_what_was_adopted(operator: Operator, by_az: Names) -> None:
    assert "0 leftovers" in operator.machine.chatops("down", "--yes").out
    assert operator.machine.left_behind() == []


def test_a_cloud_started_from_such_a_shell_is_not_led_to_the_one_before(operator: Operator) -> None:
    ran = operator.run(str(CHATOPS), "cloud", "start")
    assert ran.returncode == 0, ran.stderr
    seen = [process.info for process in operator.machine.processes()]
    (daemon,) = (one for one in seen if "chatops.localcloud" in (one["cmdline"] or ()))
    assert operator.environment["HTTPS_PROXY"]
    assert {"HTTPS_PROXY", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"}.isdisjoint(daemon["environ"])
