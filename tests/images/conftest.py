"""One local cloud with an empty registry, a Docker engine, and an image of a few bytes to build on."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from docker.errors import APIError
from engine import Engine
from rehearsal import Machine

from chatops.azure.clients import Azure
from chatops.azure.cloud import local
from chatops.images.builder import Target
from chatops.images.context import Context

BASE = "chatops-tests-images/base:1"
REPOSITORIES = ("pushed", "again", "failing", "stranger", "never", "forgotten", "lm-model", "lm-api")
LOCATION = {"location": "germanywestcentral"}


@dataclass
class Bench:
    """Where images are built in these tests: a registry, an engine, a folder, and what was reported."""

    azure: Azure
    registry_id: str
    engine: Engine
    folder: Path
    said: list[str] = field(default_factory=list)

    def context(self, *lines: str, **files: str) -> Context:
        """A context with a Dockerfile of these lines on the tiny base."""
        for name, content in {"Dockerfile": "\n".join(("ARG BASE", "FROM $BASE", *lines)), **files}.items():
            (self.folder / name).write_text(content)
        return Context(self.folder, {"BASE": BASE})

    def target(self, repository: str, context: Context) -> Target:
        return Target(self.registry_id, repository, context.content)

    def digest(self, target: Target) -> str:
        """What the registry says."""
        found = self.azure.registry(target.registry).get_manifest_properties(target.repository, target.tag)
        return str(found.digest)


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    root = tmp_path_factory.mktemp("images")
    machine = Machine(root / "folder", root / "home")
    machine.folder.mkdir()
    machine.chatops("cloud", "start")
    yield machine
    machine.chatops("cloud", "reset", "--yes")


@pytest.fixture(scope="session")
def azure(machine: Machine) -> Azure:
    return Azure(local(machine.home / "cloud" / "endpoint.json"))


@pytest.fixture(scope="session")
def registry_id(azure: Azure) -> str:
    azure.resources.resource_groups.create_or_update("images-rg", LOCATION)
    body = {**LOCATION, "sku": {"name": "Standard"}}
    made = azure.registries.registries.begin_create("images-rg", "imagestests", body).result()
    return str(made.id)


@pytest.fixture
def bench(azure: Azure, registry_id: str, engine: Engine, tmp_path: Path) -> Iterator[Bench]:
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    repository, tag = BASE.split(":")
    engine.client.api.import_image_from_data(empty.getvalue(), repository=repository, tag=tag)
    yield Bench(azure, registry_id, engine, tmp_path)
    ours = f"{azure.cloud.registry_address('imagestests')}/"
    kept = tuple(f"chatops/{repository}:" for repository in REPOSITORIES)
    # the raw list: a build that was given up may take an image away meanwhile
    tags = [name for image in engine.client.api.images() for name in image["RepoTags"] or ()]
    names = [name for name in tags if name.startswith((ours, *kept))]
    for name in (*names, BASE):
        # a build that was given up may still hold on to one
        with suppress(APIError):
            engine.client.images.remove(name, force=True)
