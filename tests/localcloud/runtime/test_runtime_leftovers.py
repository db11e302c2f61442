"""Nothing outlives a daemon: the process that hosts a runtime is killed, and the next one cleans up and goes on."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from chatops.localcloud.runtime.local import LocalRuntime
from chatops.localcloud.runtime.processes import Children, Entry, is_alive
from chatops.localcloud.runtime.spec import AppSpec

pytestmark = pytest.mark.anyio

HOST = Path(__file__).with_name("host_to_kill.py")


async def host_and_kill(tmp_path, cache, *options):
    """The pids of a replica and a postmaster whose daemon was killed."""
    places = [str(tmp_path / "home"), str(cache), str(tmp_path / "logs")]
    host = await asyncio.create_subprocess_exec(sys.executable, HOST, *places, *options, stdout=asyncio.subprocess.PIPE)
    pids = [int(word) for word in (await host.stdout.readline()).split()]
    host.kill()
    await host.wait()
    return pids


def processes(*pids):
    """Those of them that there still are."""
    found = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def alive(pid):
    return any(map(is_alive, processes(pid)))


@pytest.mark.parametrize("options", [(), ("STUBBORN",)])
async def test_next_runtime_ends_what_a_killed_one_left(world, tmp_path, venv_cache, options):
    await world.runtime.stop()
    replica, postmaster = await host_and_kill(tmp_path, venv_cache, *options)
    assert alive(replica) or not options
    runtime = LocalRuntime(tmp_path / "home", venv_cache, tmp_path / "logs")
    await runtime.start()
    assert not alive(replica)
    assert not alive(postmaster)
    assert (await runtime.put_server("/x/flexibleservers/db", "16", "admin", None)).startswith("16.")
    image = "chatreg.azurecr.io/tiny:1"
    await runtime.put_app(AppSpec("/x/web", "web", "/env", "web--r1", image, fqdn="web.domain", external=True))
    async with httpx.AsyncClient(timeout=120) as http:
        assert (await http.get(runtime.ingress_url)).status_code == 200
    await runtime.stop()
    assert not list((tmp_path / "home" / "children").iterdir())


async def test_kernel_ends_a_replica_with_its_daemon(world, tmp_path, venv_cache):
    await world.runtime.stop()
    replica, postmaster = await host_and_kill(tmp_path, venv_cache)
    _, left = await asyncio.to_thread(psutil.wait_procs, processes(replica, postmaster), 120)
    assert left == []


async def test_recycled_pid_is_left_alone(tmp_path):
    bystander = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, start_new_session=True)
    children = Children(tmp_path)
    children._remember(bystander.pid, signal.SIGKILL)
    (file,) = tmp_path.iterdir()
    entry = Entry(bystander.pid, psutil.Process(bystander.pid).create_time() + 3600, signal.SIGKILL)
    file.write_text(f'{{"pid": {entry.pid}, "created": {entry.created}, "stop_signal": {int(entry.stop_signal)}}}')
    assert await children.end_leftovers(1) == 0
    assert alive(bystander.pid)
    os.kill(bystander.pid, signal.SIGKILL)
    await bystander.wait()


async def test_a_record_that_was_cut_off_by_a_kill_holds_up_no_start(tmp_path):
    for name, text in (("4242", ""), ("4243", '{"pid": 4243, "crea'), ("4244.new", '{"pid": ')):
        (tmp_path / name).write_text(text)
    assert await Children(tmp_path).end_leftovers(1) == 0
    assert list(tmp_path.iterdir()) == []


async def test_children_of_a_replica_go_with_it(world):
    spec = await world.put()
    child = int((await world.http.get("/spawn")).text)
    (replica,) = world.runtime.app_status(spec.id).replicas
    os.kill(replica.pid, signal.SIGKILL)
    await world.until(spec, lambda status: status.replicas[0].restarts == 1)
    _, left = await asyncio.to_thread(psutil.wait_procs, processes(child), 120)
    assert left == []
