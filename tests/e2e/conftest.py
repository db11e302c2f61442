"""One stack for all end-to-end tests, from `up` on the bundled YAML to `down`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import httpx
import pytest
from rehearsal import LOCAL_CONFIG, Machine, Person


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    root = tmp_path_factory.mktemp("machine")
    machine = Machine(root / "folder", root / "home")
    machine.folder.mkdir()
    shutil.copy(LOCAL_CONFIG, machine.config)
    yield machine
    machine.chatops("cloud", "reset", "--yes")
    for process in machine.processes():
        process.kill()


@pytest.fixture(scope="session")
def stack(machine: Machine) -> Machine:
    """The machine with the stack up."""
    machine.chatops("up", "--yes")
    return machine


@pytest.fixture
def person(stack: Machine) -> Iterator[Person]:
    page = stack.page().rstrip("/")
    with httpx.Client(headers={"Origin": page}, trust_env=False) as client:
        yield Person(page, client)
