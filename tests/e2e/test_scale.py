"""Scaling a stack that runs: one write, a YAML file that keeps its comments, and a plan that is empty afterwards."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import pytest
from rehearsal import Machine

WRITES = ("PUT", "PATCH", "POST", "DELETE")


@pytest.fixture
def running(stack: Machine) -> Iterator[Machine]:
    """The stack, which afterwards is as its file says again."""
    text = stack.config.read_text()
    yield stack
    stack.config.write_text(text)
    stack.chatops("up", "--yes")


def writes_since(stack: Machine, before: int) -> list[str]:
    calls = [call for call in stack.journal()[before:] if call["plane"] == "management"]
    return [f"{call['method']} {call['path'].rsplit('/', 1)[-1]}" for call in calls if call["method"] in WRITES]


def test_scale_is_one_write_one_changed_line_and_an_empty_plan(running: Machine) -> None:
    text, calls = running.config.read_text(), len(running.journal())
    ran = running.chatops("scale", "lm-api", "--max", "7", "--min", "2", "--output", "json")
    assert writes_since(running, calls) == ["PATCH lm-api"]

    changed = ran.objects[-1]
    assert (changed["before"]["max"], changed["after"]["max"]) == (5, 7)
    assert changed["after"]["replicas"] == "2/2 ready"
    lines = difflib.ndiff(text.splitlines(), running.config.read_text().splitlines())
    assert [line.split() for line in lines if line[0] in "+-"] == [
        ["-", "min:", "1"],
        ["+", "min:", "2"],
        ["-", "max:", "5"],
        ["+", "max:", "7"],
    ]
    assert running.chatops("plan", "--output", "json").objects[0]["changes"] == 0


def test_temporarily_leaves_the_file_alone_and_up_undoes_it(running: Machine) -> None:
    text = running.config.read_text()
    ran = running.chatops("scale", "db-api", "--max", "6", "--temporary")
    assert "the next `chatops up` undoes this" in ran.err
    assert running.config.read_text() == text
    (step,) = [s for s in running.chatops("plan", "-o", "json").objects[0]["steps"] if s["action"] != "noop"]
    assert [(c["path"], c["before"], c["after"]) for c in step["changes"]] == [
        ("properties.template.scale.maxReplicas", 6, 5)
    ]


def test_what_the_cloud_refuses_is_taken_back_out_of_the_file(running: Machine) -> None:
    text = running.config.read_text()
    ran = running.chatops("scale", "ui", "--profile", "dedicated", code=2)
    assert "--profile dedicated: the environment has only Consumption" in ran.err
    running.chatops("cloud", "faults", "add", "PATCH */containerApps/ui*", "fail", "--code", "QuotaExceeded")
    try:
        ran = running.chatops("scale", "ui", "--max", "9", code=1)
    finally:
        running.chatops("cloud", "faults", "clear")
    assert "chatops.yaml is as it was" in ran.err
    assert running.config.read_text() == text


def test_bad_sizes_touch_nothing(running: Machine) -> None:
    text, calls = running.config.read_text(), len(running.journal())
    for words, said in (
        (("lm-api", "--cpu", "3"), "4Gi does not go with 3 vCPU"),
        (("lm-api", "--max", "-1"), "found -1"),
        (("lm-apo", "--max", "2"), "no service"),
        (("lm-api",), "nothing to change"),
    ):
        ran = running.chatops("scale", *words, "--output", "json", code=2)
        assert said in ran.err
        assert ran.out == ""
    assert running.config.read_text() == text
    assert len(running.journal()) == calls


def test_the_bundled_default_is_not_written_to(running: Machine) -> None:
    elsewhere = Machine(running.folder / "elsewhere", running.home)
    elsewhere.folder.mkdir()
    ran = elsewhere.chatops("scale", "lm-api", "--max", "7", code=2)
    assert "chatops init" in ran.err
