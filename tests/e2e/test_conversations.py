"""What cannot be made again: out of the database and back, and a `down` that deletes nothing it could not save."""

from __future__ import annotations

import re
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rehearsal import LONGEST, Machine, Person

from chatops.azure.clients import Azure
from chatops.azure.cloud import local
from chatops.azure.console import inside
from chatops.conversations import count
from chatops.errors import ChatopsError

Database = psycopg.Connection[tuple[Any, ...]]

LOCK = 4711
SLOW_TO_READ = f"""
CREATE FUNCTION slowly(content text) RETURNS text STABLE LANGUAGE plpgsql
AS 'BEGIN PERFORM pg_advisory_xact_lock_shared({LOCK}); RETURN content; END';
ALTER TABLE messages RENAME TO kept;
CREATE VIEW messages AS
SELECT chat_key, position, id, role, state, created_at, updated_at, slowly(content) AS content FROM kept
"""
QUICK_AGAIN = "DROP VIEW messages; ALTER TABLE kept RENAME TO messages; DROP FUNCTION slowly(text)"
WAITING = f"SELECT pid, pg_sleep(0.02) FROM pg_locks WHERE locktype = 'advisory' AND objid = {LOCK} AND NOT granted"


@pytest.fixture
def database(stack: Machine) -> Iterator[Database]:
    """The stack's database, as db-api reaches it."""
    environ = next(e for p in stack.processes() if "POSTGRES_PASSWORD" in (e := p.info["environ"] or {}))
    names = {"host": "HOST", "dbname": "DATABASE", "user": "USERNAME", "password": "PASSWORD"}
    where = {key: environ[f"POSTGRES_{name}"] for key, name in names.items()}
    with psycopg.connect(
        **where, hostaddr=environ["PGHOSTADDR"], port=environ["PGPORT"], autocommit=True
    ) as connection:
        yield connection


def saved(machine: Machine) -> list[Path]:
    return sorted(machine.folder.glob("*conversations*"))


def test_what_was_exported_comes_back_to_the_visitor_whose_cookie_is_good(
    stack: Machine, person: Person, database: Database
) -> None:
    person.ask("Where is the key to the lighthouse?")
    chats = [person.page + chat for chat in re.findall(r'href="(/chats/[^"]+)"', person.client.get(person.page).text)]
    told = stack.chatops("conversations", "export", "saved.jsonl.gz", "--output", "json").objects[-1]
    file = stack.folder / "saved.jsonl.gz"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "is there already" in stack.chatops("conversations", "export", "saved.jsonl.gz", code=2).err

    database.execute("DELETE FROM chats")
    assert [person.client.get(chat).status_code for chat in chats] == [404]
    for added in (told["messages"], 0):
        back = stack.chatops("conversations", "import", "saved.jsonl.gz", "--output", "json").objects[-1]
        assert (back["messages"], back["messages added"]) == (told["messages"], added)
    assert ["lighthouse" in person.client.get(chat).text for chat in chats] == [True]

    file.write_bytes(file.read_bytes()[:-9])
    assert "does not hold whole conversations" in stack.chatops("conversations", "import", file.name, code=1).err
    file.unlink()


def test_a_replica_that_knows_no_conversations_is_told_from_one_without_any(stack: Machine) -> None:
    azure = Azure(local(stack.home / "cloud" / "endpoint.json"))
    revision = azure.container_apps.container_apps.get("chat-rg", "ui").properties.latest_revision_name
    replica = inside(azure, "chat-rg", "ui", revision)
    assert replica
    with pytest.raises(ChatopsError, match="its image is too old") as caught:
        count(azure, replica)
    assert caught.value.hint == "chatops deploy db-api"


@pytest.fixture
def slow_to_read(person: Person, database: Database) -> Iterator[Database]:
    """A database whose messages can be counted, but are not read as long as this connection has the lock."""
    person.ask("hello")
    database.execute(SLOW_TO_READ)
    database.execute(f"SELECT pg_advisory_lock({LOCK})")
    yield database
    database.execute(f"SELECT pg_advisory_unlock({LOCK})")
    database.execute(QUICK_AGAIN)


def down_while_it_saves(stack: Machine, database: Database, then: Callable[[subprocess.Popen[str], int], Any]) -> str:
    """Do something to `down` in the middle of an export, with the id of its server process; what it says then."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [str(stack.command), "down", "--yes"],
        cwd=stack.folder,
        env=stack.environment,
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        text=True,
    ) as running:
        while not (found := database.execute(WAITING).fetchone()):
            assert running.poll() is None, running.communicate()
        assert [file.suffix for file in saved(stack)] == [".part"]
        then(running, found[0])
        out, err = running.communicate(timeout=LONGEST)
    assert "will be saved first" in out
    assert saved(stack) == []
    return f"{running.returncode}: {err}"


def test_a_down_that_cannot_save_deletes_nothing(stack: Machine, slow_to_read: Database) -> None:
    def broken(_: subprocess.Popen[str], server: int) -> None:
        slow_to_read.execute("SELECT pg_cancel_backend(%s)", (server,))

    said = down_while_it_saves(stack, slow_to_read, broken)
    assert said.startswith("1: ")
    assert "nothing was deleted: the conversations cannot be saved: the database: canceling statement" in said
    assert "chatops down --discard" in said

    said = down_while_it_saves(stack, slow_to_read, lambda down, _: down.send_signal(signal.SIGTERM))
    assert said.startswith("130: ")
    assert "nothing was deleted" in said
    assert "0 changes" in stack.chatops("plan").out
