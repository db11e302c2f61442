"""Building with a real engine, and pushing to the local cloud's registry."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest
from images.conftest import BASE, Bench
from rehearsal import NO_ENGINE, Machine

from chatops.azure.clients import Azure
from chatops.errors import AuthenticationError, ChatopsError, OperationFailed
from chatops.images.choice import choose
from chatops.images.docker import DockerBuilder
from chatops.images.engine import find


@pytest.fixture
def builder(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> DockerBuilder:
    monkeypatch.setenv("DOCKER_HOST", bench.engine.host)
    return DockerBuilder(find())


def uploads(machine: Machine) -> list[str]:
    """Every write that the registry was sent, so far."""
    writes = ("PUT", "PATCH", "POST")
    return [call["path"] for call in machine.journal() if "/v2/" in call["path"] and call["method"] in writes]


def test_what_is_pushed_is_what_was_built(bench: Bench, builder: DockerBuilder) -> None:
    context = bench.context("COPY words /words", words="one")
    target = bench.target("pushed", context)
    builder.build(bench.azure, target, context, bench.said.append)

    name = f"{bench.azure.cloud.registry_address('imagestests')}/pushed"
    built = bench.engine.client.images.get(f"{name}:{target.tag}")
    assert f"{name}@{bench.digest(target)}" in built.attrs["RepoDigests"]
    assert (built.attrs["Os"], built.attrs["Architecture"]) == ("linux", "amd64")
    assert "step 3 of 3: COPY words /words" in bench.said
    assert bench.said[-1].startswith("pushing: ") and bench.said[-1].endswith("layers there")


def test_the_same_again_sends_no_layer(bench: Bench, builder: DockerBuilder, machine: Machine) -> None:
    context = bench.context("COPY words /words", words="twice")
    target = bench.target("again", context)
    builder.build(bench.azure, target, context, bench.said.append)
    first, before = bench.digest(target), uploads(machine)
    builder.build(bench.azure, target, context, bench.said.append)
    assert bench.digest(target) == first
    assert [path for path in uploads(machine)[len(before) :] if "/blobs/uploads" in path] == []


def test_what_is_forgotten_stays_as_the_next_builds_cache(bench: Bench, builder: DockerBuilder) -> None:
    context = bench.context("COPY words /words", words="to forget")
    target = bench.target("forgotten", context)
    builder.build(bench.azure, target, context, bench.said.append)
    builder.forget(bench.azure, target.registry)
    kept = bench.engine.client.images.get("chatops/forgotten:latest")
    assert kept.tags == ["chatops/forgotten:latest"]
    bench.engine.client.images.remove(kept.tags[0])


def test_a_failed_build_shows_the_end_of_its_output_and_leaves_no_container(
    bench: Bench, builder: DockerBuilder
) -> None:
    context = bench.context('RUN ["/no-such-program", "--for-this-test"]')
    with pytest.raises(OperationFailed, match="building image 'failing:") as caught:
        builder.build(bench.azure, bench.target("failing", context), context, bench.said.append)
    assert "/no-such-program" in caught.value.message
    assert "Step 3/3 : RUN" in caught.value.message
    containers = bench.engine.client.containers.list(all=True, ignore_removed=True)
    assert not [one for one in containers if BASE in str(one.attrs["Config"]["Image"])]
    assert not any("Running in" in line for line in bench.said), "output is for failures"


def test_a_wrong_credential_is_refused_and_never_shown(bench: Bench, builder: DockerBuilder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not-the-secret-of-this-cloud")
    stranger = Azure(dataclasses.replace(bench.azure.cloud, client_secret_file=str(secret)))
    context = bench.context("COPY words /words", words="of a stranger")
    with pytest.raises(AuthenticationError, match="signing in to registry") as caught:
        builder.build(stranger, bench.target("stranger", context), context, bench.said.append)
    assert "not-the-secret" not in str(caught.value)


def test_a_stop_ends_the_wait_at_once(bench: Bench, builder: DockerBuilder) -> None:
    stopped = Azure(bench.azure.cloud)
    stopped.stop = threading.Event()
    stopped.stop.set()
    context = bench.context("COPY words /words", words="never")
    with pytest.raises(ChatopsError, match="stopped"):
        builder.build(stopped, bench.target("never", context), context, bench.said.append)


def test_the_base_is_known_by_digest_where_the_engine_has_it(bench: Bench, builder: DockerBuilder) -> None:
    assert builder.base_digest(BASE) == bench.engine.client.images.get(BASE).id
    assert builder.base_digest("127.0.0.1:1/nobody/has:this") is None


def test_auto_takes_the_engine_and_says_which(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", bench.engine.host)
    for wanted in ("auto", "docker"):
        choice = choose(wanted, dataclasses.replace(bench.azure.cloud, runs_processes=False))
        assert isinstance(choice.builder, DockerBuilder)
        assert choice.reason.startswith("Docker ") and bench.engine.host in choice.reason
    assert choose("registry", bench.azure.cloud).by_registry


def test_without_an_engine_auto_leaves_it_to_the_registry_and_docker_says_what_to_do(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", NO_ENGINE)
    cloud = dataclasses.replace(azure.cloud, runs_processes=False)
    auto, docker = choose("auto", cloud), choose("docker", cloud)
    assert auto.by_registry and auto.todo is None
    assert "none answers at unix:///var/run/there-is-no-engine.sock" in auto.reason
    assert docker.todo and "systemctl start docker" in docker.todo and not docker.by_registry


def test_where_processes_run_an_engines_images_are_of_no_use(azure: Azure) -> None:
    cloud = dataclasses.replace(azure.cloud, runs_processes=True)
    assert choose("auto", cloud).by_registry
    assert "--runtime docker" in (choose("docker", cloud).todo or "")
