"""What db-api takes from its environment.

Only POSTGRES_* builds the connection string. Address, port and TLS mode are left to libpq, so that PGHOSTADDR, PGPORT
and PGSSLMODE keep working (https://www.postgresql.org/docs/current/libpq-envars.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from psycopg.conninfo import make_conninfo

REQUIRED = ("POSTGRES_HOST", "POSTGRES_DATABASE", "POSTGRES_USERNAME", "POSTGRES_PASSWORD")


class SettingsError(Exception):
    """An environment variable is missing or cannot be used; the message names it and never shows its value."""


@dataclass(frozen=True)
class Settings:
    """Where to listen, and how to reach the database (the connection string holds the password: never print it)."""

    host: str
    port: int
    conninfo: str = field(repr=False)
    patience: int = 20  # seconds that a request waits for the database to come back

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from `environ`; raises SettingsError."""
        if missing := [name for name in REQUIRED if not environ.get(name)]:
            raise SettingsError(f"set {', '.join(missing)}: the PostgreSQL server that keeps the chats")
        return cls(
            host=environ.get("HOST") or "0.0.0.0",  # noqa: S104
            port=_whole_number(environ, "CONTAINER_APP_PORT", 8080),
            conninfo=_conninfo(environ),
            patience=_whole_number(environ, "DATABASE_PATIENCE_SECONDS", 20),
        )


def _whole_number(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdecimal():
        raise SettingsError(f"{name} must be a whole number")
    return int(value)


def _conninfo(environ: Mapping[str, str]) -> str:
    """Give up on a silent peer after 10 s, and let the server end what hangs: a request never waits for ever."""
    return make_conninfo(
        host=environ["POSTGRES_HOST"],
        dbname=environ["POSTGRES_DATABASE"],
        user=environ["POSTGRES_USERNAME"],
        password=environ["POSTGRES_PASSWORD"],
        application_name="db-api",
        connect_timeout=5,
        keepalives_idle=20,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=10_000,
        options="-c synchronous_commit=on -c statement_timeout=10s -c idle_in_transaction_session_timeout=10s",
    )
