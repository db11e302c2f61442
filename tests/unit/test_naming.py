"""Names that Azure takes, whatever the stack is called."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from chatops.naming import Names, assignment_name

STACKS = st.from_regex(r"[a-z](-?[a-z0-9]){1,12}", fullmatch=True).filter(lambda name: len(name) <= 20)


@given(STACKS)
def test_names_keep_azures_rules(stack: str) -> None:
    names = Names(stack, "00000000-0000-0000-0000-000000000001", f"{stack}-rg")
    assert re.fullmatch(r"[a-z](-?[a-z0-9]){2,23}", names.world("kv")), "a key vault: 3 to 24, no double hyphen"
    assert len(names.world("kv")) <= 24
    assert re.fullmatch(r"[a-z0-9]{5,50}", names.alphanumeric("cr")), "a registry: 5 to 50, no hyphen"
    assert re.fullmatch(r"[a-z][a-z0-9-]{1,61}[a-z0-9]", names.world("db")), "a PostgreSQL server"


@given(STACKS, STACKS)
def test_other_stacks_have_other_names_in_the_world(one: str, other: str) -> None:
    first, second = (Names(stack, "s", f"{stack}-rg") for stack in (one, other))
    assert (first.world("kv") == second.world("kv")) == (one == other)


def test_ids_are_known_before_anything_exists() -> None:
    names = Names("chat", "s", "chat-rg")
    subnet = names.id("Microsoft.Network/virtualNetworks/subnets", "chat-vnet", "apps")
    assert (
        subnet
        == "/subscriptions/s/resourceGroups/chat-rg/providers/Microsoft.Network/virtualNetworks/chat-vnet/subnets/apps"
    )


def test_a_role_assignment_has_one_name_whatever_the_case() -> None:
    assert assignment_name("/A", "AcrPull", "P") == assignment_name("/a", "AcrPull", "p")
    assert assignment_name("/a", "AcrPull", "p") != assignment_name("/a", "AcrPull", "q")
