"""`python -m db_api.conversations count|export|import`: what of the database cannot be made again, out and in.

It runs in a replica's terminal. Lines of base64 are an archive; a line of JSON says how it went in the end: `{"ok":
true, "chats": 2, "messages": 8}`, or `{"ok": false, "why": ...}` with exit code 1.

An import adds what is missing and changes nothing that is there: the same file a second time adds nothing. An answer
that was being written when it was exported is incomplete: nobody goes on writing it.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg import IsolationLevel

from . import archive
from .settings import Settings, SettingsError
from .terminal import Printed, listen

COUNT = "SELECT (SELECT count(*) FROM chats), (SELECT count(*) FROM messages)"
LINES = """
SELECT kind, json_build_object(kind, line)::text
FROM chats
CROSS JOIN LATERAL (
    SELECT 0 AS position, 'chat' AS kind,
           json_build_object('session_id', session_id, 'id', id, 'title', title,
                             'created_at', created_at, 'updated_at', updated_at) AS line
    UNION ALL
    SELECT position, 'message',
           json_build_object('id', m.id, 'role', role, 'content', content, 'state', state,
                             'created_at', m.created_at, 'updated_at', m.updated_at)
    FROM messages m WHERE chat_key = chats.key
) AS lines
ORDER BY chats.key, position
"""
# the update changes nothing: it locks the chat, so that nobody writes into it meanwhile, and returns its key
ADD_CHAT = """
INSERT INTO chats (session_id, id, title, created_at, updated_at)
VALUES (%(session_id)s, %(id)s, %(title)s, %(created_at)s, %(updated_at)s)
ON CONFLICT (session_id, id) DO UPDATE SET title = chats.title
RETURNING key, xmax = 0
"""
ADD_MESSAGE = """
INSERT INTO messages (chat_key, position, id, role, content, state, created_at, updated_at)
SELECT %(key)s, coalesce(max(position), 0) + 1, %(id)s, %(role)s, %(content)s,
       CASE WHEN %(state)s IN ('writing', 'stopping') THEN 'incomplete' ELSE %(state)s END,
       %(created_at)s, %(updated_at)s
FROM messages WHERE chat_key = %(key)s
ON CONFLICT (chat_key, id) DO NOTHING
"""
PATIENT = ("SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0")
SIGN_OF_LIFE = 1000  # messages; a terminal that is silent for long is closed


def count(connection: psycopg.Connection) -> dict[str, int]:
    """How many chats and messages there are."""
    chats, messages = connection.execute(COUNT).fetchone() or (0, 0)
    return {"chats": chats, "messages": messages}


def export(connection: psycopg.Connection) -> dict[str, int]:
    """Print them all, as they are at one moment."""
    printed = Printed()
    counts = archive.write(_lines(connection), printed)
    printed.close()
    return counts


def _lines(connection: psycopg.Connection) -> Iterator[tuple[str, str]]:
    with connection.cursor("lines") as cursor:
        yield from cursor.execute(LINES)


def take_in(connection: psycopg.Connection) -> dict[str, int]:
    """Add what is typed, if it is whole: all of it or, where anything goes wrong, nothing. Returns what was added."""
    with tempfile.TemporaryFile() as file:
        listen(file)
        file.seek(0)
        for _ in archive.read(file):  # to the end, before the first of it is believed
            pass
        file.seek(0)
        return _add(connection, archive.read(file))


def _add(connection: psycopg.Connection, lines: Iterator[tuple[str, dict[str, Any]]]) -> dict[str, int]:
    added, key = {"chats": 0, "messages": 0}, None
    for number, (kind, line) in enumerate(lines):
        if kind == archive.CHAT:
            key, is_new = connection.execute(ADD_CHAT, line).fetchone() or (None, False)
            added["chats"] += is_new
        else:
            added["messages"] += connection.execute(ADD_MESSAGE, {**line, "key": key}).rowcount
        if number % SIGN_OF_LIFE == 0:
            print(flush=True)
    return added


VERBS: dict[str, Callable[[psycopg.Connection], dict[str, int]]] = {
    "count": count,
    "export": export,
    "import": take_in,
}


def verdict(verb: str) -> dict[str, object]:
    """Do it in one transaction, and tell how it went."""
    try:
        with psycopg.connect(Settings.from_environ(os.environ).conninfo) as connection:
            if verb != "import":
                connection.isolation_level, connection.read_only = IsolationLevel.REPEATABLE_READ, True
            for setting in PATIENT:
                connection.execute(setting)
            done = VERBS[verb](connection)
    except SettingsError as error:
        return {"ok": False, "why": str(error)}
    except psycopg.Error as error:
        said = str(error).splitlines() or [type(error).__name__]
        return {"ok": False, "why": f"the database: {said[0]}"}
    except (archive.DamagedError, ValueError, EOFError) as error:
        return {"ok": False, "why": f"what was sent is not whole: {error}"}
    return {"ok": True, **done}


if __name__ == "__main__":
    if sys.argv[1:] not in [[verb] for verb in VERBS]:
        sys.exit(f"usage: python -m db_api.conversations {'|'.join(VERBS)}")
    said = verdict(sys.argv[1])
    print(json.dumps(said))
    sys.exit(0 if said["ok"] else 1)
