"""Money on a stack that is really up: nothing that `up` created is without a line, and nothing changes any more."""

from __future__ import annotations

from pathlib import Path

import pytest
from rehearsal import Machine

from chatops.resources import ARM_KINDS

WORDS = {kind.type.lower(): kind.words for kind in ARM_KINDS}


def type_of(path: str) -> str:
    """Return the resource type of an ARM path, in lower case: namespace, and every second part after it."""
    parts = path.strip("/").split("/")
    if "providers" not in parts:
        return "microsoft.resources/resourcegroups"
    namespace, *rest = parts[len(parts) - parts[::-1].index("providers") :]
    return "/".join([namespace, *rest[::2]]).lower()


def test_everything_that_up_created_has_a_line(stack: Machine) -> None:
    """What the journal says was created, and not deleted since, is told by `chatops cost`: with its price, as unknown,
    or as free of charge.
    """
    calls = [(call["method"], call["path"]) for call in stack.journal() if call["plane"] == "management"]
    deleted = {path.lower() for method, path in calls if method == "DELETE"}
    created = {path for method, path in calls if method == "PUT" and path.lower() not in deleted}
    assert len({type_of(path) for path in created}) > 10
    told = stack.chatops("cost", "--output", "json").objects[0]["stacks"][0]
    kinds = {row["label"].partition(" '")[0] for row in told["resources"]} | set(told["free"])
    assert [path for path in created if WORDS.get(type_of(path)) not in kinds] == []
    apps = {path.rpartition("/")[2] for path in created if type_of(path) == "microsoft.app/containerapps"}
    assert apps == {row["address"].removeprefix("app/") for row in told["resources"] if row["address"][:4] == "app/"}


def test_the_group_that_the_environment_brings_is_told(stack: Machine) -> None:
    """It holds a load balancer and addresses that nobody asked for."""
    shown = stack.chatops("cost", "--region", "eastus").out
    assert "load balancer of the environment" in shown
    assert "public addresses of the environment" in shown


def test_prices_are_refreshed_from_the_local_clouds_own_list(
    stack: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked as Azure's list would be, it answers with the bundled prices: every row comes back as it was."""
    monkeypatch.setenv("CHATOPS_CACHE", str(tmp_path))
    before = stack.chatops("prices", "show", "--region", "eastus", "--output", "json").objects
    ran = stack.chatops("prices", "refresh", "--from", "local", "--region", "eastus", "--output", "json")
    after = stack.chatops("prices", "show", "--region", "eastus", "--output", "json").objects
    fresh = [row for row in after if row["confidence"] == "retail"]
    assert ran.objects[0]["prices"] == len(fresh) > 15
    amounts = [{row["meter"]: float(row["price"]) for row in rows} for rows in (before, after)]
    assert amounts[0] == amounts[1]


def test_what_is_up_is_what_was_reckoned(stack: Machine) -> None:
    """The stack as it is read back costs what the YAML file says it costs, and the plan adds nothing."""
    plan = stack.chatops("plan", "--output", "json").objects[0]
    told = stack.chatops("cost", "--output", "json").objects[0]["stacks"][0]
    assert plan["cost"]["before"] == plan["cost"]["after"]
    assert plan["cost"]["after"]["expected"]["high"] == round(told["total"]["expected"]["high"], 4)
    assert plan["cost"]["billed"] is False
    assert plan["cost"]["steps"] == {}


def test_up_says_what_azure_would_bill(stack: Machine) -> None:
    said = "locally nothing is billed: this is what Azure would bill"
    assert any(said in printed for printed in stack.printed)
