"""The build service with a real engine: real images, in the registry, and nothing left behind by what fails."""

from __future__ import annotations

import asyncio
import io
import signal
import tarfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from docker.errors import ImageNotFound
from engine import BASE, own_engine
from engine import Engine as RealEngine

from chatops.localcloud.data.build import Builds
from chatops.localcloud.data.engine_build import EngineBuilder, Hub
from chatops.localcloud.data.runs import Run
from chatops.localcloud.runtime.docker.engine import Engine, Login

from .test_engine import Hub as Registry
from .test_engine import hub

pytestmark = pytest.mark.anyio
__all__ = ["hub"]


def pack(files: dict[str, str]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return whole.getvalue()


class Service:
    """A build service of one registry, on a real engine."""

    def __init__(self, engine: RealEngine, registry: Registry, folder: Path) -> None:
        self.real = engine.client
        self.engine = Engine(engine.host.removeprefix("unix://"))
        self.registry = registry
        login = Login(**registry.credential)
        self.builds = Builds(EngineBuilder(self.engine, Hub(registry.address, lambda: login)), folder)
        self.mark = f"MADE_FOR={registry.name}"

    async def schedule(self, dockerfile: str, image: str = "svc:one", **body: Any) -> Run:
        url, relative = self.builds.upload_url(self.registry.name)
        upload = self.builds._upload_tokens[url.rsplit("/", 1)[1]]
        upload.parent.mkdir(exist_ok=True)
        upload.write_bytes(pack({"Dockerfile": dockerfile, "greeting.txt": "hello"}))
        return self.builds.schedule(self.registry.name, {"imageNames": [image], "sourceLocation": relative, **body})

    def log(self, run: Run) -> AsyncIterator[bytes]:
        found = self.builds.log_of(self.builds.log_url_path(self.registry.name, run.run_id).rsplit("/", 1)[1])
        return found[1].follow(run)

    async def build(self, dockerfile: str, **body: Any) -> tuple[Run, str]:
        run = await self.schedule(dockerfile, **body)
        return run, b"".join([part async for part in self.log(run)]).decode()

    def made(self) -> list[str]:
        """The engine's images and containers that came from a Dockerfile of this test."""
        found = []
        for entry in self.real.api.images(all=True):
            with suppress(ImageNotFound):  # another test's, removed meanwhile
                found.append(self.real.api.inspect_image(entry["Id"]))
        found += [container.attrs for container in self.real.containers.list(all=True, ignore_removed=True)]
        return [entry["Id"] for entry in found if self.mark in (entry["Config"]["Env"] or ())]


@pytest.fixture
async def service(engine: RealEngine, hub: Registry, tmp_path: Path) -> AsyncIterator[Service]:
    service = Service(engine, hub, tmp_path / "builds")
    yield service
    await service.builds.stop()
    await service.builds.delete_registry(hub.name)
    await service.engine.close()


@pytest.fixture
def dockerfile(service: Service) -> str:
    """A small image that no other test's can be taken for."""
    return f"FROM scratch\nENV {service.mark}\nCOPY greeting.txt /\n"


async def test_a_context_becomes_a_real_image_in_the_registry(service: Service, hub: Registry, dockerfile: str) -> None:
    run, log = await service.build(
        f'{dockerfile}ARG FLAVOUR=plain\nLABEL flavour=$FLAVOUR\nCMD ["true"]\n',
        arguments=[{"name": "FLAVOUR", "value": "lime"}],
    )
    assert run.status == "Succeeded", log
    (output,) = run.outputs
    assert (output["registry"], output["repository"], output["tag"]) == (f"{hub.name}.azurecr.io", "svc", "one")
    found = hub.ask("HEAD", "svc", "manifests/one")
    assert found.headers["Docker-Content-Digest"] == output["digest"]
    config = hub.ask("GET", "svc", f"manifests/{output['digest']}").json()["config"]["digest"]
    image = hub.ask("GET", "svc", f"blobs/{config}").json()
    assert (image["config"]["Labels"]["flavour"], image["os"]) == ("lime", "linux")
    for said in ("Step 1/6 : FROM", "Successfully built", f"one: digest: {output['digest']}"):
        assert said in log


async def test_the_same_again_is_built_from_the_cache_and_not_sent(
    service: Service, hub: Registry, dockerfile: str
) -> None:
    first, _ = await service.build(dockerfile)
    sent = len(hub.writes())
    again, log = await service.build(dockerfile, image="svc:two")
    assert again.outputs[0]["digest"] == first.outputs[0]["digest"]
    assert log.count("Using cache") == 2
    assert [path for _, path in hub.writes()[sent:]] == [f"/v2/{hub.name}/svc/manifests/two"]


async def test_an_image_stands_on_another_one_of_the_registry(service: Service, hub: Registry, dockerfile: str) -> None:
    await service.build(dockerfile, image="model:one")
    base = {"name": "BASE", "value": f"{hub.name}.azurecr.io/model:one"}
    run, log = await service.build("ARG BASE\nFROM $BASE\nLABEL above=yes\n", arguments=[base])
    assert run.status == "Succeeded", log
    layers = [hub.ask("GET", name, "manifests/one").json()["layers"] for name in ("model", "svc")]
    assert layers[0] == layers[1]
    await service.builds.delete_registry(hub.name)
    assert service.made() == []


FAILURES = {
    "command": ("RUN echo starting && exit 3", "RUN echo starting && exit 3: The command '/bin/sh -c"),
    "file": ("COPY absent.txt /", "COPY absent.txt /: COPY failed"),
    "base": ("FROM 127.0.0.1:1/no/base:1", "FROM: the engine has no image '127.0.0.1:1/no/base:1' and cannot pull it"),
    "syntax": ("NONSENSE x", "unknown instruction: NONSENSE"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_build_that_fails_says_why_and_leaves_nothing(service: Service, dockerfile: str, failure: str) -> None:
    line, said = FAILURES[failure]
    run, log = await service.build(f"{dockerfile.replace('scratch', BASE)}{line}\n")
    assert run.status == "Failed"
    assert said in str(run.error)
    assert str(run.error) in log
    assert service.made() == []


async def test_a_build_without_push_leaves_nothing(service: Service, hub: Registry, dockerfile: str) -> None:
    run, log = await service.build(dockerfile, isPushEnabled=False)
    assert (run.status, run.outputs) == ("Succeeded", []), log
    assert service.made() == []
    assert hub.ask("GET", "svc", "tags/list").status_code == 404


async def test_a_canceled_run_ends_its_container_and_leaves_nothing(
    service: Service, hub: Registry, dockerfile: str
) -> None:
    run = await service.schedule(f"{dockerfile.replace('scratch', BASE)}RUN echo waiting; sleep 600\n")
    async for part in service.log(run):
        if b"waiting\n" in part:
            assert await service.builds.cancel(hub.name, run.run_id)
    assert run.status == "Canceled"
    assert service.made() == []


async def test_a_run_that_takes_longer_than_it_may_is_ended(service: Service, dockerfile: str) -> None:
    run, log = await service.build(f"{dockerfile.replace('scratch', BASE)}RUN sleep 600\n", timeout=1)
    assert run.status == "Timeout"
    assert "longer than its timeout" in log


async def test_a_deleted_registry_takes_what_was_built_for_it_from_the_engine(
    service: Service, hub: Registry, dockerfile: str
) -> None:
    await service.build(dockerfile)
    assert service.made() != []
    await service.builds.delete_registry(hub.name)
    assert service.made() == []


async def test_an_engine_that_is_not_there_is_named(hub: Registry, tmp_path: Path) -> None:
    engine = Engine(str(tmp_path / "docker.sock"))
    builds = Builds(EngineBuilder(engine, Hub(hub.address, lambda: Login("a", "b"))), tmp_path)
    url, relative = builds.upload_url(hub.name)
    builds._upload_tokens[url.rsplit("/", 1)[1]].parent.mkdir()
    builds._upload_tokens[url.rsplit("/", 1)[1]].write_bytes(pack({"Dockerfile": f"FROM {BASE}"}))
    run = builds.schedule(hub.name, {"imageNames": ["svc:one"], "sourceLocation": relative})
    async for _ in builds.log_of(builds.log_url_path(hub.name, run.run_id).rsplit("/", 1)[1])[1].follow(run):
        pass
    assert run.status == "Error"
    assert f"the Docker engine at {tmp_path / 'docker.sock'} does not answer" in str(run.error)
    await engine.close()


async def test_an_engine_that_dies_ends_the_run_and_the_next_build_goes_on(hub: Registry, tmp_path: Path) -> None:
    with own_engine() as engine:
        service = Service(engine, hub, tmp_path / "builds")
        first = f"FROM {BASE}\nENV {service.mark}\nCOPY greeting.txt /\n"
        run = await service.schedule(f"{first}RUN echo waiting; sleep 600\n")
        async for part in service.log(run):
            if b"waiting\n" in part:
                await asyncio.to_thread(engine.stop, signal.SIGKILL)
        assert run.status == "Error"
        assert "the Docker engine" in str(run.error)
        await asyncio.to_thread(engine.start)
        again, log = await service.build(f"{first}RUN echo again\n", isPushEnabled=False)
        assert again.status == "Succeeded", log
        assert log.count("Using cache") == 2
        assert service.real.containers.list(all=True) == []
        await service.engine.close()
