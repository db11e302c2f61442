"""Replicas as supervised processes: what they find, what happens when they die, how they go."""

import asyncio
import os
import shutil
import signal

import psutil
import pytest

from chatops.localcloud.runtime.local import LocalRuntime
from chatops.localcloud.runtime.logs import LogFile
from chatops.localcloud.runtime.spec import Probe, RuntimeFailure, Scale, Utilization
from chatops.localcloud.runtime.usage import Meter, Usage

pytestmark = pytest.mark.anyio


async def test_environment_is_azures_the_images_the_apps_and_the_rehearsals_few(world, monkeypatch):
    monkeypatch.setenv("OPERATORS_OWN", "private")
    spec = await world.put(env={"COLOUR": "blue", "SECRET": "s3cret-value"})
    env = (await world.http.get("/env")).json()
    (replica,) = world.runtime.app_status(spec.id).replicas
    expected = {
        "CONTAINER_APP_NAME": "web",
        "CONTAINER_APP_REVISION": "web--r1",
        "CONTAINER_APP_REPLICA_NAME": replica.name,
        "CONTAINER_APP_HOSTNAME": "web--r1.happy-hill.westeurope.azurecontainerapps.io",
        "CONTAINER_APP_ENV_DNS_SUFFIX": "happy-hill.westeurope.azurecontainerapps.io",
        "COLOUR": "blue",
        "SECRET": "s3cret-value",
        "FLAVOUR": "plain",
        "HOST": "127.0.0.1",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    assert env | expected == env
    assert env["HTTP_PROXY"].startswith("http://env:")
    assert env["PATH"].split(":")[0].endswith("/bin")
    assert "OPERATORS_OWN" not in env
    assert "PGPORT" not in env
    assert "s3cret-value" not in repr(spec)


async def test_paths_of_the_image_and_its_packages_are_found(world):
    await world.put()
    assert (await world.http.get("/words")).json() == ["one two three\n", "3.20"]


async def test_killed_replica_is_replaced_at_once_and_its_log_goes_on(world):
    spec = await world.put()
    (before,) = world.runtime.app_status(spec.id).replicas
    os.kill(before.pid, signal.SIGKILL)
    status = await world.until(spec, lambda status: status.replicas[0].restarts == 1 and status.replicas[0].ready)
    assert status.replicas[0].name == before.name
    assert status.replicas[0].pid != before.pid
    assert (await world.http.get("/")).status_code == 200
    await world.logged(spec, "serving in", count=2)
    await world.logged(spec, "[system] killed by signal 9; restart 1 in 0 s")


async def test_liveness_failure_restarts_and_readiness_failure_only_holds(world):
    probes = (
        Probe("Readiness", "/ready", period=0.05, timeout=30, failure_threshold=1),
        Probe("Liveness", "/health", period=0.05, timeout=30, failure_threshold=2),
    )
    spec = await world.put(probes=probes)
    (before,) = world.runtime.app_status(spec.id).replicas
    await world.http.get("/set?probe=ready&status=503")
    await world.until(spec, lambda status: not status.replicas[0].ready)
    assert world.runtime.app_status(spec.id).replicas[0].pid == before.pid
    held = asyncio.create_task(world.http.get("/"))
    port = psutil.Process(before.pid).net_connections("tcp4")[0].laddr.port
    await world.http.get(f"http://127.0.0.1:{port}/set?probe=ready&status=200")
    assert (await held).status_code == 200
    await world.http.get("/set?probe=health&status=500")
    status = await world.until(spec, lambda status: status.replicas[0].restarts == 1 and status.replicas[0].ready)
    assert status.replicas[0].pid != before.pid
    await world.logged(spec, "liveness probe failed 2 times: GET /health")


async def test_crashing_revision_is_refused_with_its_last_words_but_no_secret(world):
    old = await world.put()
    with pytest.raises(RuntimeFailure) as failure:
        await world.put(revision="r2", env={"CRASH": "the-secret-reason"})
    assert failure.value.code == "ContainerAppOperationError"
    assert "exited with code 3" in str(failure.value)
    assert "cannot start with $CRASH" in str(failure.value)
    assert "the-secret-reason" not in str(failure.value)
    assert (await world.http.get("/")).status_code == 200
    assert world.runtime.app_status(old.id).latest_ready_revision == "web--r1"


async def test_revision_that_never_gets_ready_is_given_up_after_its_probes_allowance(world):
    probe = Probe("Startup", "/ready", period=0.1, failure_threshold=3)
    with pytest.raises(RuntimeFailure, match=r"was not ready after 0\.3 s"):
        await world.put(env={"NEVER_READY": "1"}, probes=(probe,))


async def test_missing_image_is_refused(world):
    with pytest.raises(RuntimeFailure, match="none:1' was not found"):
        await world.put(image="chatreg.azurecr.io/none:1")


async def test_next_revision_takes_over_while_requests_in_flight_end_on_the_old(world):
    old = await world.put()
    async with world.http.stream("GET", "/stream?key=a") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "first"
        await world.put(revision="r2", env={"COLOUR": "green"})
        assert (await world.http.get("/env")).json()["COLOUR"] == "green"
        draining = next(one for one in world.runtime.app_status(old.id).replicas if one.revision == "web--r1")
        await world.logged(old, "draining")
        os.kill(draining.pid, signal.SIGUSR1)
        assert await anext(lines) == "second"
    await world.logged(old, "drained")
    status = await world.until(old, lambda status: len(status.replicas) == 1)
    assert status.latest_ready_revision == "web--r2"


async def test_same_revision_again_changes_nothing(world):
    spec = await world.put()
    before = world.runtime.app_status(spec.id)
    await world.put()
    assert world.runtime.app_status(spec.id) == before


async def test_stubborn_replica_is_killed_after_its_grace(world):
    spec = await world.put(env={"STUBBORN": "1"}, grace=0.2)
    (replica,) = world.runtime.app_status(spec.id).replicas
    await world.runtime.delete_app(spec.id)
    assert not psutil.pid_exists(replica.pid)
    assert world.runtime.app_status(spec.id) is None
    assert (await world.http.get("/")).status_code == 404
    await world.logged(spec, "ignoring SIGTERM")


async def test_deleting_an_app_ends_its_deployment(world):
    deployment = asyncio.create_task(world.put(env={"NEVER_READY": "1"}))
    spec = world.spec()
    await world.logged(spec, "serving in")
    await world.runtime.delete_app(spec.id)
    with pytest.raises(RuntimeFailure, match="deleted meanwhile"):
        await deployment
    await world.logged(spec, "drained")
    assert not list((world.home / "children").iterdir())


async def test_environment_wiped_from_the_cache_is_made_again(world, venv_cache):
    shutil.rmtree(venv_cache / "venvs")
    await world.put()
    assert (await world.http.get("/words")).json()[1] == "3.20"


async def test_database_settings_lead_to_the_server_that_the_app_names(world):
    ids = [f"/subscriptions/s/.../flexibleservers/{name}-db" for name in ("chat", "other")]
    for server in ids:
        await world.runtime.put_server(server, "16", "admin", "pw-of-admin")
    ports = world.runtime._servers.ports()
    await world.put(env={"POSTGRES_HOST": "other-db.postgres.database.azure.com"})
    env = (await world.http.get("/env")).json()
    assert (env["PGHOSTADDR"], env["PGPORT"], env["PGSSLMODE"]) == ("127.0.0.1", str(ports["other-db"]), "disable")


async def test_scaled_to_zero_and_back_with_the_request_held(world):
    spec = await world.put(scale=Scale(minimum=0, maximum=2, cooldown=0.1, polling=0.05))
    await world.until(spec, lambda status: not status.replicas)
    assert (await world.http.get("/")).status_code == 200
    assert len(world.runtime.app_status(spec.id).replicas) == 1


async def test_a_stream_wakes_a_sleeping_app_and_ends_whole(world):
    spec = await world.put(scale=Scale(minimum=0, maximum=1, cooldown=0.1, polling=0.05))
    await world.until(spec, lambda status: not status.replicas)
    async with world.http.stream("GET", "/stream?key=a") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "first"
        assert (await world.http.get("/release?key=a")).status_code == 200
        assert [line async for line in lines] == ["second"]


async def test_a_stream_ends_whole_on_a_replica_that_scaling_in_takes_away(world):
    spec = await world.put(scale=Scale(minimum=2, maximum=2))
    revision = world.runtime._routes.apps[spec.id].revisions["web--r1"]
    async with world.http.stream("GET", "/stream?key=a") as one, world.http.stream("GET", "/stream?key=a") as two:
        readers = [one.aiter_lines(), two.aiter_lines()]
        assert [await anext(reader) for reader in readers] == ["first", "first"]
        going = {replica.name: replica for replica in revision.replica_set.replicas}
        revision.set_replicas(1)
        (leaving,) = (replica for replica in going.values() if replica.draining)
        await world.logged(spec, "draining")
        for info in world.runtime.app_status(spec.id).replicas:
            os.kill(info.pid, signal.SIGUSR1)
        assert [[line async for line in reader] for reader in readers] == [["second"], ["second"]]
    await world.until(spec, lambda status: leaving.name not in {info.name for info in status.replicas})


async def test_cpu_and_memory_are_measured_where_a_rule_asks_for_them(world):
    rules = (Utilization("cpu", 50), Utilization("memory", 80))
    spec = await world.put(scale=Scale(minimum=1, maximum=2, rules=rules), cpu=0.25, memory_gib=0.5)
    revision = world.runtime._routes.apps[spec.id].revisions["web--r1"]
    (replica,) = revision.available()
    before = await replica.usage()
    assert (await world.http.get("/burn?cpu_seconds=0.3")).status_code == 200
    after = await replica.usage()
    assert 0.27 <= after.cpu - before.cpu < 2  # the kernel tells whole ticks of 10 ms, of the program and of itself
    pid = world.runtime.app_status(spec.id).replicas[0].pid
    load = await revision.measure(0)
    assert load.memory == pytest.approx(psutil.Process(pid).memory_info().rss / (0.5 * 1024**3), rel=0.2)


def test_mean_use_is_of_the_time_between_two_readings():
    meter = Meter()
    assert meter.mean({"a": Usage(5.0, 100)}, at=10.0) == Usage(0.0, 100)
    assert meter.mean({"a": Usage(7.0, 100), "b": Usage(9.0, 300)}, at=14.0) == Usage(0.5, 200)
    assert meter.mean({"a": Usage(8.0, 100), "b": Usage(10.0, 300)}, at=16.0) == Usage(0.5, 200)
    assert meter.mean({"a": Usage(0.5, 100)}, at=18.0) == Usage(0.0, 100)  # it was started anew
    assert meter.mean({}, at=20.0) == Usage(0.0, 0)


async def test_a_start_that_fails_keeps_no_port(world, tmp_path):
    files = {"Dockerfile": b'FROM python:3.12-slim\nCMD ["no-such-program"]\n'}
    starter = world.runtime._host.starter(world.spec(image=await world.build("broken", **files)))
    for number in range(3):
        with pytest.raises(RuntimeFailure, match="no-such-program: not found"):
            await starter.start(f"web--r1-{number}", LogFile(tmp_path / "log"))
    assert starter.machine.ports._held == set()


async def test_a_machine_that_refuses_ends_the_wait_for_a_revision(world, tmp_path):
    """Where the virtual environments should be is a file: a disk that is full or read-only refuses no better."""
    await world.runtime.stop()
    (tmp_path / "cold").mkdir()
    (tmp_path / "cold" / "venvs").touch()
    runtime = LocalRuntime(tmp_path / "home", tmp_path / "cold", tmp_path / "logs")
    await runtime.start()
    with pytest.raises(RuntimeFailure, match="venvs"):
        async with asyncio.timeout(120):
            await runtime.put_app(world.spec())
    await runtime.stop()
