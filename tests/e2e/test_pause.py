"""A stack that rests: apps and database really stopped, every verb says so, and it comes back with what it held."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from rehearsal import Machine, Person


@pytest.fixture
def awake(stack: Machine) -> Iterator[Machine]:
    """The stack, which afterwards runs."""
    yield stack
    stack.chatops("up", "--yes")


def postgres_runs(machine: Machine) -> bool:
    return any("postgres" in process.info["name"] for process in machine.processes())


def test_a_paused_stack_rests_says_so_and_comes_back(awake: Machine, person: Person) -> None:
    person.ask("What do you remember?")
    page = awake.page()
    said = awake.chatops("pause", "--yes").out
    assert "starts the database again by itself on" in said
    assert "chatops prices refresh" in said or "a day at the expected use, if it were on Azure" in said
    assert not postgres_runs(awake)
    assert httpx.get(page, timeout=120, trust_env=False).status_code == 404

    status = awake.chatops("status", "--output", "json").objects[0]
    assert {app["state"] for app in status["apps"]} == {"Stopped"}
    assert status["database"].endswith("Stopped")
    assert any("paused" in note for note in status["notes"])
    assert "is paused" in awake.chatops("scale", "lm-api", "--max", "9", code=1).err
    plan = awake.chatops("plan", "--output", "json")
    steps = [step for step in plan.objects[0]["steps"] if step["action"] != "noop"]
    assert {step["address"].split("/")[0] for step in steps} == {"power"}
    assert len(steps) == 4
    assert "paused" in plan.err
    unsaved = awake.chatops("down", "--yes", code=1).err
    assert "nothing was deleted" in unsaved
    assert "chatops resume; or chatops down --discard" in unsaved

    awake.chatops("cloud", "stop")
    awake.chatops("cloud", "start")
    assert not postgres_runs(awake)

    assert "4 changes" in awake.chatops("resume").out
    assert "What do you remember?" in person.client.get(awake.page(), timeout=120).text
