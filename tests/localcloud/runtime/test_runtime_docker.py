"""Replicas as containers of a real engine: what they find, what they are held to, how they end, what is left."""

import asyncio
import gzip
import io
import os
import signal
import sys
from pathlib import Path

import pytest
from engine import own_engine

from chatops.localcloud.home import SETTINGS
from chatops.localcloud.leftovers import end_containers
from chatops.localcloud.runtime.choice import DOCKER, Choice
from chatops.localcloud.runtime.docker.containers import Source
from chatops.localcloud.runtime.docker.engine import Engine
from chatops.localcloud.runtime.local import Docker, LocalRuntime
from chatops.localcloud.runtime.spec import RuntimeFailure, Scale
from chatops.localcloud.store import Store

pytestmark = pytest.mark.anyio

IMAGE = f"docker-tests/tiny:{os.getpid()}"
ENVIRONMENT = "/subscriptions/s/resourcegroups/g/providers/microsoft.app/managedenvironments/env"
LEFT_BEHIND = Path(__file__).with_name("containers_to_leave.py")
LONG = 120  # seconds that an engine may take to come back on a busy machine
DOCKERFILE = b"""
FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1
COPY service.py /app/
EXPOSE 80
USER 10001:10001
CMD ["python3", "/app/service.py"]
"""


@pytest.fixture(scope="session")
def image(engine, pack, service_files):
    """The tiny service as a real image, in the engine already: `source` names it, nothing is pulled."""
    build(engine, pack, service_files)
    yield IMAGE
    engine.client.images.remove(IMAGE, force=True)


def build(engine, pack, service_files):
    context = gzip.decompress(pack({"Dockerfile": DOCKERFILE, "service.py": service_files["service.py"]}))
    engine.client.images.build(fileobj=io.BytesIO(context), custom_context=True, tag=IMAGE, rm=True, forcerm=True)


def socket_of(engine):
    return engine.host.removeprefix("unix://")


def runtime_on(engine, home, cache):
    found = Docker(Engine(socket_of(engine)), lambda images, image: Source(IMAGE))
    return LocalRuntime(home, cache, home / "logs", docker=found)


@pytest.fixture
async def contained(engine, image, tmp_path, venv_cache, make_world):
    runtime = runtime_on(engine, tmp_path / "home", venv_cache)
    await runtime.start()
    world = make_world(runtime, tmp_path / "home")
    yield world
    await world.http.aclose()
    await runtime.stop()
    assert belonging_to(engine, tmp_path / "home") == ([], [])


def belonging_to(engine, home):
    """The names of the containers and networks on the engine that are this local cloud's."""
    wanted = {"label": f"chatops.home={home}"}
    containers = engine.client.containers.list(all=True, filters=wanted, ignore_removed=True)
    return [one.name for one in containers], [one.name for one in engine.client.networks.list(filters=wanted)]


async def test_a_container_finds_what_azure_gives_and_nothing_of_the_operators(contained, monkeypatch, engine):
    monkeypatch.setenv("OPERATORS_OWN", "private")
    spec = await contained.put(env={"COLOUR": "blue", "SECRET": "s3cret-value"})
    env = (await contained.http.get("/env")).json()
    (replica,) = contained.runtime.app_status(spec.id).replicas
    expected = {
        "CONTAINER_APP_NAME": "web",
        "CONTAINER_APP_REVISION": "web--r1",
        "CONTAINER_APP_REPLICA_NAME": replica.name,
        "CONTAINER_APP_HOSTNAME": "web--r1.happy-hill.westeurope.azurecontainerapps.io",
        "CONTAINER_APP_ENV_DNS_SUFFIX": "happy-hill.westeurope.azurecontainerapps.io",
        "CONTAINER_APP_PORT": "80",
        "HOSTNAME": replica.name,
        "COLOUR": "blue",
        "SECRET": "s3cret-value",
    }
    assert env | expected == env
    assert {"OPERATORS_OWN", "HTTP_PROXY", "PGHOSTADDR", "HOST"}.isdisjoint(env)
    container = engine.client.containers.get(replica.id.removeprefix("docker://"))
    assert "s3cret-value" not in Path(f"/proc/{replica.pid}/cmdline").read_text()
    assert not any(container.ports.values())
    await contained.logged(spec, "serving in")


async def test_apps_and_the_database_answer_to_their_names_within_the_environment_alone(contained):
    await contained.runtime.put_server("/s/.../flexibleservers/chat-db", "16", "admin", "password-of-admin")
    given = {"POSTGRES_HOST": "chat-db.private.postgres.database.azure.com"}
    await contained.put(env=given)
    back = await contained.put("api", external=False, env={"COLOUR": "green"}, scale=Scale(minimum=2, maximum=2))
    await contained.put("far", external=False, environment=ENVIRONMENT + "-2")
    for host in ("api", back.fqdn):
        status, text = (await contained.http.get("/fetch", params={"url": f"http://{host}/env"})).json()
        assert (status, '"COLOUR": "green"' in text) == (200, True)
    for host in ("chat-db.postgres.database.azure.com", given["POSTGRES_HOST"]):
        first = (await contained.http.get("/postgres", params={"host": host})).json()
        assert (first[0], "SCRAM-SHA-256" in first) == ("R", True)
    assert (await contained.http.get("/lookup?host=api")).json()
    assert (await contained.http.get("/lookup?host=far", timeout=LONG)).json() is None


async def test_an_app_held_to_its_memory_is_killed_named_and_started_again(contained):
    spec = await contained.put(memory_gib=0.125)
    (before,) = contained.runtime.app_status(spec.id).replicas
    assert before.limited
    assert (await contained.http.get("/eat?mib=20")).json() == 20 << 20
    assert (await contained.http.get("/eat?mib=200")).status_code == 502
    status = await contained.until(spec, lambda status: status.replicas[0].restarts and status.replicas[0].ready, LONG)
    assert status.replicas[0].reason == "OOMKilled: it needed more than its 0.125 GiB of memory"
    assert status.replicas[0].id != before.id
    await contained.logged(spec, "[system] OOMKilled: it needed more than its 0.125 GiB of memory; restart 1 in 0 s")
    assert (await contained.http.get("/")).status_code == 200


async def test_a_crash_is_told_with_the_last_words(contained):
    with pytest.raises(RuntimeFailure) as failure:
        await contained.put(env={"CRASH": "the-secret-reason"})
    assert "exited with code 3" in str(failure.value)
    assert "cannot start with $CRASH" in str(failure.value)


@pytest.mark.parametrize(("env", "last"), [({}, "drained"), ({"STUBBORN": "1"}, "ignoring SIGTERM")])
async def test_it_is_asked_to_end_and_killed_after_its_grace(contained, engine, env, last):
    spec = await contained.put(env=env, grace=1 if env else 30)
    await contained.runtime.delete_app(spec.id)
    await contained.logged(spec, last)
    assert belonging_to(engine, contained.home) == ([], [])


async def test_cpu_and_memory_are_measured(contained):
    spec = await contained.put()
    (replica,) = contained.runtime._routes.apps[spec.id].revisions["web--r1"].available()
    before = await replica.usage()
    assert (await contained.http.get("/burn?cpu_seconds=0.3")).status_code == 200
    after = await replica.usage()
    assert 0.3 <= after.cpu - before.cpu < 2
    assert 2**20 < after.memory < 2**28


async def test_a_command_runs_inside_on_a_terminal(contained):
    spec = await contained.put()
    (replica,) = contained.runtime.app_status(spec.id).replicas

    async def run(*argv):
        terminal = await contained.runtime.exec(spec.id, replica.name, argv)
        said = b""
        while data := await terminal.read():
            said += data
        return said.decode(), await terminal.close()

    said, code = await run("sh", "-c", "tty && id -u && echo $CONTAINER_APP_NAME; exit 3")
    assert (said.split(), code) == (["/dev/pts/0", "10001", "web"], 3)
    said, code = await run("no-such-program")
    assert "no-such-program" in said
    assert code != 0
    terminal = await contained.runtime.exec(spec.id, replica.name, ["sh"])
    terminal.resize(132, 43)
    terminal.write(
        b'until [ "$(stty size)" = "43 132" ]; do sleep 0.1; done; echo it "is" large\n'
    )  # it echoes this too
    said = b""
    while b"it is large" not in said:
        said += await terminal.read()
    assert await terminal.close() != -1


@pytest.fixture
async def killed(engine, image, tmp_path, venv_cache):
    """The home of a local cloud whose daemon was killed while an app ran in a container."""
    home = tmp_path / "killed"
    words = [sys.executable, LEFT_BEHIND, str(home), str(venv_cache), socket_of(engine), image]
    host = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    assert await host.stdout.readline() == b"up\n"
    host.kill()
    await host.wait()
    assert any("--r1-" in name for name in belonging_to(engine, home)[0])
    return home


async def test_next_runtime_ends_what_a_killed_one_left_and_nobody_elses(contained, engine, killed, venv_cache):
    """The doors of a killed daemon end by themselves; its replicas and networks are found by their label."""
    await contained.put()
    others = belonging_to(engine, contained.home)
    runtime = runtime_on(engine, killed, venv_cache)
    await runtime.start()
    assert belonging_to(engine, killed) == ([], [])
    await runtime.stop()
    assert belonging_to(engine, contained.home) == others
    assert (await contained.http.get("/")).status_code == 200


async def test_reset_ends_what_a_killed_one_left(killed, engine):
    store = Store(killed / "world.db")
    store.put(SETTINGS, "runtime", Choice(DOCKER, DOCKER, socket_of(engine)).kept())
    store.close()
    assert (await asyncio.to_thread(end_containers, killed)).startswith("containers left behind and removed: ")
    assert belonging_to(engine, killed) == ([], [])
    assert await asyncio.to_thread(end_containers, killed) == ""


async def test_an_engine_that_dies_takes_the_replicas_and_brings_them_back(
    tmp_path, venv_cache, make_world, pack, service_files
):
    with own_engine() as own:
        build(own, pack, service_files)
        runtime = runtime_on(own, tmp_path / "home", venv_cache)
        await runtime.start()
        world = make_world(runtime, tmp_path / "home")
        front = await world.put()
        await world.put("api", external=False)
        await asyncio.to_thread(own.stop, signal.SIGKILL)
        status = await world.until(front, lambda status: status.replicas[0].state == "NotRunning", LONG)
        assert f"the Docker engine at {socket_of(own)} does not answer" in status.replicas[0].reason
        await asyncio.to_thread(own.start)
        status = await world.until(front, lambda status: status.replicas[0].ready, LONG)
        assert status.replicas[0].restarts >= 1
        async with asyncio.timeout(LONG):  # the door of `api` opens again in its own time
            while (await world.http.get("/fetch?url=http://api/env", timeout=LONG)).text[:4] != "[200":
                await asyncio.sleep(0.1)
        await world.http.aclose()
        await runtime.stop()
        assert belonging_to(own, tmp_path / "home") == ([], [])
