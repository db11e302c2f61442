"""Broken set-ups as data: each zone is served by real name servers, found from a root down, and judged exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from domain_tree import Tree, fill, wanted_of
from ruamel.yaml import YAML

from chatops.domain.doctor import diagnose
from chatops.domain.look import look

CASES = Path(__file__).parents[2] / "cases" / "domains"


def cases(file: str) -> list[Any]:
    return [pytest.param(case, id=case["case"]) for case in YAML(typ="safe").load((CASES / file).read_text())]


@pytest.mark.parametrize("case", cases("broken.yaml"))
def test_a_broken_set_up_is_named(case: dict[str, Any]) -> None:
    with Tree(case) as tree:
        found = diagnose(look(tree.authority, tree.host), wanted_of(case, tree.host))

    assert found is not None
    assert found.code == case["code"]
    assert found.found == fill(case["found"])
    assert found.who == case["who"]
    assert [record.line() for record in found.records] == [fill(line) for line in case.get("paste", [])]
    assert [record.line() for record in found.remove] == [fill(line) for line in case.get("remove", [])]


@pytest.mark.parametrize("case", cases("right.yaml"))
def test_nothing_is_wrong(case: dict[str, Any]) -> None:
    with Tree(case) as tree:
        assert diagnose(look(tree.authority, tree.host), wanted_of(case, tree.host)) is None


def in_the_zone() -> list[Any]:
    """The cases that lie in the zone file alone, so that records mend them."""
    return [
        case
        for case in cases("broken.yaml")
        if "paste" in case.values[0] and not {"second", "wanted"} & {*case.values[0]}
    ]


@pytest.mark.parametrize("case", in_the_zone())
def test_what_is_to_be_pasted_mends_it(case: dict[str, Any]) -> None:
    """The zone with the records pasted in, and without those to be removed, has one thing less that is wrong."""
    with Tree(case) as tree:
        before = diagnose(look(tree.authority, tree.host), wanted_of(case, tree.host))
        assert before is not None
        tree.mend(before)
        after = diagnose(look(tree.authority, tree.host), wanted_of(case, tree.host))
    assert after is None or after.code != before.code


def test_name_servers_that_only_name_each_other_end_the_walk() -> None:
    with Tree({"host": "chat.here.org"}) as tree:
        tree.org.load("org", "here NS ns.there.org.\nthere NS ns.here.org.\n")
        assert tree.authority.zone(tree.host).status == "SILENT"
