"""One stack for all end-to-end tests, from `up` on the bundled YAML to `down`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress

import httpx
import psutil
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
        with suppress(psutil.NoSuchProcess):
            process.kill()


@pytest.fixture(scope="session")
def stack(machine: Machine) -> Machine:
    """The machine with the stack up."""
    machine.chatops("up", "--yes")
    return machine


@pytest.fixture
def person(stack: Machine) -> Iterator[Person]:
    with httpx.Client(trust_env=False, timeout=120) as client:
        person = Person(client)
        person.visit(stack.page())
        yield person
