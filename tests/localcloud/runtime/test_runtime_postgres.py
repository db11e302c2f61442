"""A real PostgreSQL server: made, used, killed, stopped."""

import asyncio
import os
import signal
import stat

import psutil
import psycopg
import pytest

from chatops.localcloud.runtime import pgbinaries
from chatops.localcloud.runtime.backoff import Backoff
from chatops.localcloud.runtime.logs import LogFile
from chatops.localcloud.runtime.postgres import PostgresServer
from chatops.localcloud.runtime.processes import Children, is_alive
from chatops.localcloud.runtime.servers import Servers
from chatops.localcloud.runtime.spec import RuntimeFailure

pytestmark = pytest.mark.anyio

ID = "/subscriptions/s/resourcegroups/g/providers/microsoft.dbforpostgresql/flexibleservers/chat-db"
PASSWORD = 'it\'s "a" p@ss wörd'


def server_in(home):
    return PostgresServer(home / "postgres" / "chat-db", Children(home / "run"), LogFile(home / "postgresql.log"))


@pytest.fixture
async def server(tmp_path):
    server = server_in(tmp_path)
    await server.start("16")
    await server.put_admin(ID, "chat-admin", PASSWORD)
    await server.put_database("chat", "chat-admin")
    yield server
    await server.stop()


async def connect(server, password=PASSWORD, database="chat"):
    """As an app does it: Azure's host name, with address and port from the environment."""
    return await psycopg.AsyncConnection.connect(
        host="chat-db.postgres.database.azure.com",
        hostaddr="127.0.0.1",
        port=server.port,
        user="chat-admin",
        password=password,
        dbname=database,
        autocommit=True,
    )


async def ask(server, query):
    async with await connect(server) as connection:
        return await (await connection.execute(query)).fetchone()


async def ask_when_back(server, query):
    async with asyncio.timeout(120):
        while True:
            try:
                return await ask(server, query)
            except psycopg.OperationalError:
                await asyncio.sleep(0.02)  # a refused connection yields to nobody, the server's supervisor included


async def test_version_asked_for_runs_with_utf8_durability_and_no_superuser(server):
    assert server.version.startswith("16.")
    settings = "current_setting('server_encoding'), current_setting('fsync'), current_setting('is_superuser')"
    assert await ask(server, f"SELECT {settings}, lower('ÄÖ')") == ("UTF8", "on", "off", "äö")


async def test_wrong_password_is_refused_and_a_new_one_replaces_the_old(server):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await connect(server, "wrong")
    await server.put_admin(ID, "chat-admin", "second")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await connect(server, PASSWORD)
    await (await connect(server, "second")).close()


async def test_committed_rows_survive_a_killed_postmaster(server):
    async with await connect(server) as connection:
        await connection.execute("CREATE TABLE kept (answer int)")
        await connection.execute("INSERT INTO kept VALUES (42)")
        killed = psutil.Process(server.pid)
        backends = killed.children(recursive=True)
        killed.kill()
    assert await ask_when_back(server, "SELECT answer FROM kept") == (42,)
    assert server.pid != killed.pid
    assert not any(is_alive(process) for process in [killed, *backends])


async def test_stopped_server_comes_back_with_port_data_and_no_password(server, tmp_path):
    async with await connect(server) as connection:
        await connection.execute("CREATE TABLE kept (answer int)")
    await server.stop()
    again = server_in(tmp_path)
    await again.start("18")
    assert (again.port, again.version) == (server.port, server.version)
    assert await ask(again, "SELECT count(*) FROM kept") == (0,)
    await again.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
async def test_root_without_namespaces_runs_it_as_nobody_and_goes_on_so(tmp_path, monkeypatch):
    with monkeypatch.context() as forbidden:
        forbidden.setattr(pgbinaries, "NAMESPACE", ("false",))
        server = server_in(tmp_path)
        await server.start("18")
        await server.put_admin(ID, "chat-admin", PASSWORD)
        await server.put_database("chat", "chat-admin")
        await server.stop()
    again = server_in(tmp_path)
    await again.start("18")
    assert psutil.Process(again.pid).username() == "nobody"
    assert await ask(again, "SELECT current_setting('server_version_num')::int / 10000") == (18,)
    await again.stop()


async def test_databases_are_made_once_and_dropped_though_in_use(server):
    await server.put_database("chat", "chat-admin")
    connection = await connect(server)
    await server.delete_database("chat")
    await server.delete_database("chat")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        await connect(server)
    await connection.close()


async def test_nothing_on_disk_or_in_arguments_shows_a_password(server, tmp_path):
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
    superuser = (tmp_path / "postgres" / "chat-db" / "azuresu").read_text()
    holders = [path for path in files if superuser.encode() in path.read_bytes()]
    assert [stat.S_IMODE(path.stat().st_mode) for path in holders] == [0o600]
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
    assert not any(superuser in " ".join(process.cmdline()) for process in processes)


async def test_leftover_of_a_killed_daemon_is_ended_before_the_next_start(tmp_path):
    orphan = server_in(tmp_path)
    await orphan.start("16")
    pid = orphan.pid
    orphan._supervisor.cancel()
    assert await Children(tmp_path / "run").end_leftovers(10) == 1
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert not list((tmp_path / "run").iterdir())


def postmasters(data):
    return [one for one in psutil.process_iter(["cwd", "name"]) if one.info["cwd"] == str(data) and is_alive(one)]


async def test_a_start_that_came_to_nothing_leaves_no_server_behind(tmp_path):
    servers = Servers(tmp_path / "postgres", tmp_path / "logs", Children(tmp_path / "children"))
    await servers.put(ID, "16", "chat-admin", PASSWORD)
    await servers.stop()
    (secret,) = tmp_path.glob("postgres/*/azuresu")
    right = secret.read_text()
    secret.write_text("another")
    with pytest.raises(RuntimeFailure, match="password authentication failed"):
        await servers.put(ID, "16", "chat-admin", None)
    assert postmasters(secret.parent / "data") == []
    secret.write_text(right)
    assert (await servers.put(ID, "16", "chat-admin", None)).startswith("16.")
    await servers.stop()


async def test_what_makes_the_data_is_a_child_that_goes_with_the_daemon(tmp_path):
    """A daemon that was killed meanwhile must find nobody writing where it begins anew."""
    children = tmp_path / "children"
    servers = Servers(tmp_path / "postgres", tmp_path / "logs", Children(children))
    making = asyncio.create_task(servers.put(ID, "16", "chat-admin", PASSWORD))
    async with asyncio.timeout(120):
        while not (known := [path.name for path in children.glob("*") if path.name.isdecimal()]):
            await asyncio.sleep(0.01)
    os.kill(int(known[0]), signal.SIGSTOP)  # so that it is still at it when it is ended
    assert await Children(children).end_leftovers(5) > 0
    with pytest.raises(RuntimeFailure, match="initdb failed"):
        await making


async def test_a_server_that_waits_to_be_started_again_stops_at_once(server, monkeypatch):
    monkeypatch.setattr(Backoff, "after", lambda *_: 1000.0)
    os.kill(server.pid, signal.SIGQUIT)
    async with asyncio.timeout(120):
        while server._up.is_set():
            await asyncio.sleep(0.01)
        await server.stop()
