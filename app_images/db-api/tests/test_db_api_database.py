"""The database away, killed, restarted, and migrated by several replicas at once."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from db_api_stack import DB_API, PATIENCE, Postgres, Service

CHAT_ID = str(uuid.uuid4())
MIGRATIONS = sorted(p.name for p in (DB_API / "db_api" / "schema").glob("*.sql"))


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The name of a database of this test's own; it does not exist yet."""
    return f"chat_{uuid.uuid4().hex}"


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that the test may kill."""
    server = Postgres()
    server.create_database("chat")
    yield server
    server.stop()


def caller(service: Service) -> httpx.Client:
    return httpx.Client(base_url=service.url, headers={"X-Session-Id": "a-session"}, timeout=PATIENCE, trust_env=False)


def wait_for(ready: Callable[[], bool]) -> None:
    """Look again and again until `ready()` holds."""
    end = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < end, "it did not happen in time"


def write(client: httpx.Client, number: int) -> int:
    message = {"id": str(uuid.UUID(int=number)), "role": "user", "content": f"message {number}"}
    return client.post(f"/chats/{CHAT_ID}/messages", json=message).status_code


WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def test_replicas_that_start_together_take_turns_and_migrate_once(postgres: Postgres, database: str) -> None:
    postgres.create_database(database)
    with postgres.connection(database) as first, ThreadPoolExecutor(4) as pool:
        first.execute("SELECT pg_advisory_lock(4701936225)")
        replicas = list(pool.map(lambda _: Service(DB_API, "db_api", postgres.environ(database)), range(4)))
        try:
            wait_for(lambda: postgres.execute(WAITING, database) == [(4,)])
            assert [caller(replica).get("/ready").status_code for replica in replicas] == [503] * 4
            first.close()
            for replica in replicas:
                replica.wait_for_line("the database is ready, schema 2")
            applied = [name for (name,) in postgres.execute("SELECT name FROM schema_migrations ORDER BY 1", database)]
            assert applied == MIGRATIONS
            assert sum(replica.log.count("applied migration") for replica in replicas) == len(MIGRATIONS)
            assert not any("cannot be used yet" in replica.log for replica in replicas)
        finally:
            assert [replica.terminate() for replica in replicas] == [0] * 4


def test_it_starts_before_the_database_and_becomes_ready(postgres: Postgres, database: str) -> None:
    service = Service(DB_API, "db_api", postgres.environ(database))
    try:
        with caller(service) as client:
            service.wait_for_line("cannot be used yet")
            assert client.get("/health").status_code == 200
            assert client.get("/ready").status_code == 503
            postgres.create_database(database)
            assert client.post("/chats", json={"id": CHAT_ID, "title": "early"}).status_code == 201
            wait_for(lambda: client.get("/ready").status_code == 200)
    finally:
        assert service.terminate() == 0


def test_a_kill_of_the_database_server_is_not_seen_by_callers(own_postgres: Postgres) -> None:
    environ = own_postgres.environ("chat") | {"DATABASE_PATIENCE_SECONDS": str(PATIENCE)}
    service = Service(DB_API, "db_api", environ)
    try:
        with caller(service) as client, ThreadPoolExecutor(4) as pool:
            client.post("/chats", json={"id": CHAT_ID, "title": "survivor"})
            writes = [pool.submit(write, client, number) for number in range(120)]
            writes[20].result()
            own_postgres.kill()
            reading = pool.submit(client.get, f"/chats/{CHAT_ID}")
            own_postgres.start()
            assert [w.result() for w in writes] == [201] * 120
            assert reading.result().status_code == 200
            stored = client.get(f"/chats/{CHAT_ID}").json()["messages"]
            assert sorted(m["content"] for m in stored) == sorted(f"message {n}" for n in range(120))
    finally:
        assert service.terminate() == 0


def test_while_the_database_is_away_it_says_so_to_many_and_then_recovers(own_postgres: Postgres) -> None:
    environ = own_postgres.environ("chat") | {"DATABASE_PATIENCE_SECONDS": "3"}
    service = Service(DB_API, "db_api", environ)
    try:
        with caller(service) as client, ThreadPoolExecutor(100) as pool:
            service.wait_for_line("the database is ready")
            own_postgres.kill()
            own_postgres.wait_until_gone()
            answers = list(pool.map(lambda _: client.get("/chats"), range(100)))
            assert client.get("/ready").status_code == 503
            assert client.get("/health").status_code == 200
            assert {a.status_code for a in answers} == {503}
            assert {a.json()["error"]["code"] for a in answers} == {"database_unavailable"}
            assert all(a.headers["Retry-After"] for a in answers)
            own_postgres.start()
            wait_for(lambda: client.get("/chats").status_code == 200)
            wait_for(lambda: client.get("/ready").status_code == 200)
    finally:
        assert service.terminate() == 0


def test_every_acknowledged_write_waits_for_the_disk(own_postgres: Postgres) -> None:
    own_postgres.execute("ALTER DATABASE chat SET synchronous_commit = off")
    service = Service(DB_API, "db_api", own_postgres.environ("chat"))
    try:
        with caller(service) as client:
            client.post("/chats", json={"id": CHAT_ID, "title": "durable"})
            assert [write(client, number) for number in range(20)] == [201] * 20
            own_postgres.kill()
            own_postgres.start()
            assert len(client.get(f"/chats/{CHAT_ID}").json()["messages"]) == 20
    finally:
        assert service.terminate() == 0


def test_missing_settings_are_named_and_secrets_are_not_shown() -> None:
    with pytest.raises(RuntimeError, match="POSTGRES_USERNAME") as error:
        Service(DB_API, "db_api", {"POSTGRES_HOST": "h", "POSTGRES_DATABASE": "d", "POSTGRES_PASSWORD": "hidden-0815"})
    assert "hidden-0815" not in str(error.value)
