"""Conversations out of one database and into another, through a terminal as a container's exec gives it."""

import base64
import gzip
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from db_api_stack import DB_API, Postgres

SESSION = "somebody-with-a-cookie"
TALK = [("user", "What's 1 < 2?\r\n\ttrue"), ("assistant", "Ja — 是的 \u2028 \U0001f600"), ("user", "x" * 90_000)]
CHATS = f"""
INSERT INTO chats (session_id, id, title, created_at) VALUES
('{SESSION}', '{uuid.UUID(int=1)}', 'first', '2026-01-02 03:04:05.678901+00'),
('{SESSION}', '{uuid.UUID(int=2)}', 'empty', '2026-01-03 03:04:05+00')
"""
EVERYTHING = """
SELECT session_id, c.id, title, c.created_at, c.updated_at, position, m.id, role, content, state, m.created_at,
       m.updated_at
FROM chats c LEFT JOIN messages m ON chat_key = key ORDER BY c.created_at, position
"""


@pytest.fixture
def databases(postgres: Postgres) -> Iterator[tuple[str, str]]:
    """A database with two chats, and one that only has the schema."""
    names = f"full_{uuid.uuid4().hex}", f"new_{uuid.uuid4().hex}"
    for name in names:
        postgres.create_database(name)
        for file in sorted((DB_API / "db_api" / "schema").glob("*.sql")):
            postgres.execute(file.read_text(), name)
    postgres.execute(CHATS, names[0])
    for number, (role, content) in enumerate(TALK, 1):
        write(postgres, names[0], number, role, content)
    yield names
    for name in names:
        postgres.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def write(postgres: Postgres, database: str, position: int, role: str, content: str, state: str = "complete") -> None:
    with postgres.connection(database) as connection:
        connection.execute(
            "INSERT INTO messages (chat_key, position, id, role, content, state)"
            " SELECT key, %s, %s, %s, %s, %s FROM chats WHERE title = 'first'",
            (position, uuid.uuid4(), role, content, state),
        )


def run(environ: dict[str, str], verb: str, typed: bytes = b"") -> tuple[bytes, list[dict[str, Any]]]:
    """What the command printed: bytes in base64, and lines of JSON. `typed` is sent when it is ready."""
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "db_api.conversations", verb],
        cwd=DB_API,
        env=os.environ | environ,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    printed = bytearray()
    while data := read(master):
        printed += data
        if typed and b"ready" in printed:
            encoded, typed = base64.encodebytes(typed) + b"\n", b""
            threading.Thread(target=os.write, args=(master, encoded)).start()
    os.close(master)
    lines = printed.replace(b"\r\n", b"\n").decode().splitlines()
    said = [json.loads(line) for line in lines if line.startswith("{")]
    assert process.wait() == (0 if said[-1]["ok"] else 1)
    return b"".join(base64.b64decode(line, validate=True) for line in lines if line[:1] not in "{."), said


def read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # nobody has the other end any more
        return b""


def test_what_was_exported_is_there_after_an_import_and_once_however_often(
    postgres: Postgres, databases: tuple[str, str]
) -> None:
    full, new = databases
    assert run(postgres.environ(full), "count")[1] == [{"ok": True, "chats": 2, "messages": 3}]
    archive, said = run(postgres.environ(full), "export")
    assert said == [{"ok": True, "chats": 2, "messages": 3}]
    into = postgres.environ(new)
    assert run(into, "import", archive)[1] == [{"ready": True}, {"ok": True, "chats": 2, "messages": 3}]
    assert postgres.execute(EVERYTHING, new) == postgres.execute(EVERYTHING, full)
    assert run(into, "import", archive)[1][-1] == {"ok": True, "chats": 0, "messages": 0}
    assert postgres.execute(EVERYTHING, new) == postgres.execute(EVERYTHING, full)


def test_what_came_later_is_added_behind_and_an_unfinished_answer_is_incomplete(
    postgres: Postgres, databases: tuple[str, str]
) -> None:
    full, new = databases
    run(postgres.environ(new), "import", run(postgres.environ(full), "export")[0])
    write(postgres, full, 4, "assistant", "half an ans", "writing")
    later = run(postgres.environ(full), "export")[0]
    assert run(postgres.environ(new), "import", later)[1][-1] == {"ok": True, "chats": 0, "messages": 1}
    last = postgres.execute("SELECT position, content, state FROM messages ORDER BY position DESC LIMIT 1", new)
    assert last == [(4, "half an ans", "incomplete")]


def cut(archive: bytes) -> bytes:
    """The same lines, without the last one, in a gzip file that is whole."""
    return gzip.compress(b"".join(gzip.decompress(archive).splitlines(keepends=True)[:-1]))


def changed(archive: bytes) -> bytes:
    return gzip.compress(gzip.decompress(archive).replace(b"first", b"forst"))


def torn(archive: bytes) -> bytes:
    return archive[:-20]


def something_else(archive: bytes) -> bytes:
    return b"\x89PNG" * 99


DAMAGES = (cut, changed, torn, something_else)


def test_what_is_not_whole_adds_nothing(postgres: Postgres, databases: tuple[str, str]) -> None:
    full, new = databases
    archive, _ = run(postgres.environ(full), "export")
    for damage in DAMAGES:
        said = run(postgres.environ(new), "import", damage(archive))[1][-1]
        assert not said["ok"], damage
        assert "not whole" in said["why"]
    assert postgres.execute("SELECT count(*) FROM chats", new) == [(0,)]


def test_an_export_that_breaks_on_the_way_says_so_and_has_no_end(
    postgres: Postgres, databases: tuple[str, str]
) -> None:
    full, _ = databases
    postgres.execute("ALTER TABLE messages RENAME TO kept", full)
    broken = "CASE position WHEN 3 THEN (1 / (position - 3))::text ELSE content END AS content"
    columns = f"chat_key, position, id, role, {broken}, state, created_at, updated_at"
    postgres.execute(f"CREATE VIEW messages AS SELECT {columns} FROM kept", full)
    _, said = run(postgres.environ(full), "export")
    assert said == [{"ok": False, "why": "the database: division by zero"}]


def test_a_database_that_is_away_is_named(tmp_path: Path) -> None:
    away = {"PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "POSTGRES_HOST": "away", "POSTGRES_DATABASE": "chat"}
    _, said = run({**away, "POSTGRES_USERNAME": "chat", "POSTGRES_PASSWORD": "secret"}, "count")
    assert said[0]["why"].startswith("the database: ")
    assert "secret" not in said[0]["why"]
