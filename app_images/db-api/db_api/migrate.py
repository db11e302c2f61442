"""Bring the database's schema up to date from the numbered SQL files in `schema/`.

All replicas do this when they start, at the same moment after a deployment. One transaction holds an advisory lock, so
one replica migrates, the others wait and find nothing left to do; a crash half-way leaves the old schema whole.
A database that is ahead (an older revision after a rollback) is left as it is: migrations only ever add.
"""

import logging
from importlib.resources import files

import psycopg

LOCK = 4_701_936_225  # any constant that nothing else in this database locks
log = logging.getLogger(__name__)


def migrations() -> list[tuple[int, str, bytes]]:
    """Number, name and SQL of each migration, in order."""
    paths = sorted((p for p in files("db_api").joinpath("schema").iterdir() if p.name.endswith(".sql")), key=str)
    return [(int(p.name.split("_")[0]), p.name, p.read_bytes()) for p in paths]


async def migrate(conninfo: str) -> int:
    """Apply what is missing and return the schema's number; raises psycopg.Error when the database is not there."""
    connection = await psycopg.AsyncConnection.connect(conninfo)
    async with connection:
        # the lock may have to wait for another replica's whole migration
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await (await connection.execute("SELECT number FROM schema_migrations")).fetchall()
        return await _apply(connection, {number for (number,) in rows})


async def _apply(connection: psycopg.AsyncConnection, applied: set[int]) -> int:
    for number, name, sql in migrations():
        if number not in applied:
            await connection.execute(sql)
            await connection.execute("INSERT INTO schema_migrations (number, name) VALUES (%s, %s)", (number, name))
            log.info("applied migration %s", name)
            applied.add(number)
    return max(applied)
