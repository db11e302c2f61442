"""The world's memory: one SQLite file that survives SIGKILL and a reboot.

Documents of JSON in named spaces ("resources", "operations", "secrets", ...), keyed by lower-case ids so that a
subtree is a range of keys. The file is only readable by its owner: it holds secret values.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Body = dict[str, Any]

RESOURCES = "resources"


@dataclass
class Record:
    """One resource: `body` is what a GET shows, `hidden` what it never shows (secret values, internal marks)."""

    id: str
    type: str
    body: Body
    hidden: Body = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        return self.id.lower()

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[1]

    @property
    def properties(self) -> Body:
        found: Body = self.body.setdefault("properties", {})
        return found


class Store:
    """Durable documents. Every write outside `together()` is its own transaction."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS documents (space TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (space, key)) "
            "WITHOUT ROWID"
        )

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make the writes inside one transaction; nesting joins the outer one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def get(self, space: str, key: str) -> Body | None:
        row = self._db.execute("SELECT body FROM documents WHERE space=? AND key=?", (space, key)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, space: str, key: str, body: Body) -> None:
        self._db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (space, key, json.dumps(body)))

    def delete(self, space: str, key: str) -> None:
        self._db.execute("DELETE FROM documents WHERE space=? AND key=?", (space, key))

    def below(self, space: str, prefix: str = "", segment: str = "") -> list[tuple[str, Body]]:
        """All documents whose key lies strictly below `prefix` in the id tree (all of the space for ""), in key order.

        With `segment`, only those that have it as a path segment.
        """
        low, high = (prefix + "/", prefix + "0") if prefix else ("", "\U0010ffff")
        rows = self._db.execute(
            "SELECT key, body FROM documents WHERE space=? AND key>=? AND key<? AND key LIKE ? ORDER BY key",
            (space, low, high, f"%/{segment}/%" if segment else "%"),
        )
        return [(key, json.loads(body)) for key, body in rows]

    def between(self, space: str, low: str, high: str) -> list[tuple[str, Body]]:
        """All documents whose key is at least `low` and less than `high`, in key order."""
        rows = self._db.execute(
            "SELECT key, body FROM documents WHERE space=? AND key>=? AND key<? ORDER BY key", (space, low, high)
        )
        return [(key, json.loads(body)) for key, body in rows]

    def find(self, id: str) -> Record | None:
        """The resource with this id, in any case."""
        body = self.get(RESOURCES, id.lower())
        return Record(**body) if body else None

    def save(self, record: Record) -> None:
        fields = {"id": record.id, "type": record.type, "body": record.body, "hidden": record.hidden}
        self.put(RESOURCES, record.key, fields)

    def forget(self, id: str) -> None:
        self.delete(RESOURCES, id.lower())

    def records(self, below: str = "", type: str | None = None) -> list[Record]:
        """Resources below an id, of one type when given (without regard to case)."""
        found = [
            Record(**body) for _, body in self.below(RESOURCES, below.lower(), type.split("/")[-1] if type else "")
        ]
        return [record for record in found if type is None or record.type.lower() == type.lower()]
