"""Which runtime a world gets, and the one line that says why."""

import pytest

from chatops.localcloud.runtime.choice import AUTO, DOCKER, PROCESS, Choice, Unfit, choose

pytestmark = pytest.mark.anyio

CONTAINERS = Choice(AUTO, DOCKER, "/run/some.sock")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """DOCKER_HOST names a socket that nobody listens at."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    return path


async def test_auto_without_an_engine_is_processes_and_says_why(nowhere):
    choice = await choose(None, None, bound=False)
    assert (choice.asked, choice.runtime) == (AUTO, PROCESS)
    assert choice.reason == f"no Docker engine answers at {nowhere}"


async def test_a_socket_that_lets_nobody_in_is_told_with_its_cause(nowhere):
    nowhere.touch()
    reason = (await choose(AUTO, None, bound=False)).reason
    assert reason.startswith(f"the Docker engine at {nowhere} does not answer: ")
    assert "refused" in reason


async def test_an_engine_elsewhere_is_not_taken(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "ssh://somebody@elsewhere")
    choice = await choose(AUTO, None, bound=False)
    assert choice.runtime == PROCESS
    assert choice.reason.startswith("DOCKER_HOST is ssh://somebody@elsewhere, not the unix socket")


async def test_what_cannot_be_had_is_refused_when_it_is_asked_for(nowhere):
    with pytest.raises(Unfit, match=f"'docker' cannot be had: no Docker engine answers at {nowhere}"):
        await choose(DOCKER, None, bound=False)


async def test_an_engine_on_this_machine_passes_the_trial_and_nothing_of_it_stays(engine, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    assert await choose(None, None, bound=False) == Choice(AUTO, DOCKER, engine.host.removeprefix("unix://"))
    everything = [*engine.client.containers.list(all=True, ignore_removed=True), *engine.client.networks.list()]
    assert [one.name for one in everything if one.name.endswith("-trial")] == []


async def test_a_world_with_images_stays_with_its_runtime_while_the_engine_is_away(nowhere):
    assert await choose(None, CONTAINERS, bound=True) == CONTAINERS
    assert (await choose(DOCKER, CONTAINERS, bound=True)).socket == CONTAINERS.socket
    with pytest.raises(Unfit, match=r"images are for the runtime 'docker', not 'process'.*chatops cloud reset"):
        await choose(PROCESS, CONTAINERS, bound=True)
    with pytest.raises(Unfit, match="images are for the runtime 'process'"):
        await choose(DOCKER, None, bound=True)  # a world from before there was a choice


async def test_an_empty_world_looks_again_and_remembers_what_was_asked(nowhere):
    assert (await choose(None, CONTAINERS, bound=False)).runtime == PROCESS
    assert await choose(None, Choice(PROCESS, PROCESS), bound=False) == Choice(PROCESS, PROCESS)
