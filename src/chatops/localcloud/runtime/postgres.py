"""One real PostgreSQL server, as a supervised child process.

It listens on 127.0.0.1 alone, asks for passwords (scram-sha-256), and writes through to disk (fsync). Its superuser,
`azuresu` as on Azure, is the runtime's; the administrator that the operator names may create databases and roles but is
no superuser, as on Azure. Passwords travel to the server as SCRAM verifiers only.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
from psycopg import sql

from ..files import write_private
from ..tasks import beside
from . import pgbinaries
from .backoff import Backoff
from .logs import LogFile, pump
from .ports import free_port
from .processes import Children, Command, kill, send, wait_for
from .signals import at_most
from .spec import RuntimeFailure

log = logging.getLogger(__name__)

SUPERUSER = "azuresu"
STARTUP_LIMIT = 60.0  # seconds; recovery after a crash may take a while
SHUTDOWN_LIMIT = 20.0
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_error_statement": "panic",  # a statement may hold what users wrote
    "shared_buffers": "32MB",
    # after a kill: one call for the whole file system instead of one for each file
    **({"recovery_init_sync_method": "syncfs"} if sys.platform.startswith("linux") else {}),
}


@dataclass(frozen=True)
class ServerRecord:
    """What is remembered of a server that was made completely; its presence says so."""

    id: str
    admin: str
    port: int


class PostgresServer:
    """The server of one ARM id, in `directory` (0700): record, superuser's password (0600) and data."""

    def __init__(self, directory: Path, children: Children, log_file: LogFile) -> None:
        self._directory = directory
        self._children = children
        self._log = log_file
        self._data = directory / "data"
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._up = asyncio.Event()
        self.port = 0
        self.version = ""

    @property
    def record(self) -> ServerRecord | None:
        return read_record(self._directory)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self, version: str) -> None:
        """Make the data directory when there is none (a version once made stays), then run. Raises RuntimeFailure."""
        if self._supervisor is not None:
            return
        if not self._data.exists():
            await self._initdb(pgbinaries.nearest(version))
        remembered = self.record
        self.port = free_port(remembered.port if remembered else 0)
        await self._launch()
        self._supervisor = beside(self._supervise(), f"the supervision of {self._directory.name}")
        async with self._connect() as connection:
            self.version = connection.info.parameter_status("server_version") or ""

    async def _initdb(self, major: int) -> None:
        fresh = self._directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        password = self._directory / SUPERUSER
        write_private(password, secrets.token_urlsafe(24))
        argv = [str(pgbinaries.binaries(major) / "initdb"), "--pgdata", str(fresh), "--username", SUPERUSER]
        argv += [f"--pwfile={password}", "--auth=scram-sha-256", "--no-instructions"]
        argv += ["--encoding=UTF8", f"--locale={pgbinaries.LOCALE}"]
        prefix = await asyncio.to_thread(pgbinaries.prefix, fresh)
        # killed outright: what it has made by then is made anew
        command = Command(argv, self._directory, pgbinaries.environment(), signal.SIGKILL, prefix)
        process = await self._children.spawn(command)
        assert process.stdout is not None  # noqa: S101
        try:
            output = await process.stdout.read()
            code = await process.wait()
        finally:
            self._children.forget(process.pid)
        self._log.write(output)
        if code != 0:
            raise RuntimeFailure("InternalServerError", f"initdb failed: {output.decode(errors='replace')[-500:]}")
        fresh.rename(self._data)

    async def _launch(self) -> None:
        await asyncio.to_thread(_end_orphans, self._data)
        major = int((self._data / "PG_VERSION").read_text())
        prefix = await asyncio.to_thread(pgbinaries.prefix, self._data)
        settings = {**_SETTINGS, "port": str(self.port)}
        argv = [str(pgbinaries.binaries(major) / "postgres"), "-D", str(self._data)]
        argv += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = Command(argv, self._directory, pgbinaries.environment(), signal.SIGINT, prefix)
        self._process = await self._children.spawn(command)
        assert self._process.stdout is not None  # noqa: S101
        self._output = asyncio.create_task(pump(self._process.stdout, self._log))
        await self._ready(self._process)

    async def _ready(self, process: asyncio.subprocess.Process) -> None:
        deadline = time.monotonic() + STARTUP_LIMIT
        while not _says_ready(self._data):
            if process.returncode is not None or time.monotonic() > deadline:
                self._children.forget(process.pid)  # ends what is left of it
                raise RuntimeFailure("InternalServerError", f"PostgreSQL did not start; its log is {self._log.path}")
            await asyncio.sleep(0.02)
        self._up.set()

    async def _supervise(self) -> None:
        backoff = Backoff()
        while True:
            began = time.monotonic()
            assert self._process is not None  # noqa: S101
            code = await self._process.wait()
            self._up.clear()
            self._children.forget(self._process.pid)
            if self._stopping.is_set():
                return
            log.warning("PostgreSQL in %s ended with %s; starting it again", self._directory.name, code)
            await self._relaunch(backoff.after(time.monotonic() - began))

    async def _relaunch(self, pause: float) -> None:
        await at_most(pause, self._stopping)
        if self._stopping.is_set():
            return
        try:
            await self._launch()
        except (RuntimeFailure, OSError) as error:
            log.error("PostgreSQL in %s: %s", self._directory.name, error)
        if self._stopping.is_set():  # asked for while it came up
            self._interrupt()

    def _interrupt(self) -> None:
        if self._process is not None:
            send(self._process, signal.SIGINT)

    async def stop(self) -> None:
        """Fast shutdown: clients are disconnected, everything committed is on disk."""
        self._stopping.set()
        if self._supervisor is None or self._process is None:
            if self._process is not None:  # it was still coming up
                self._children.forget(self._process.pid)
            self._log.close()
            return
        self._interrupt()
        try:
            await asyncio.wait_for(asyncio.shield(self._supervisor), SHUTDOWN_LIMIT)
        except TimeoutError:
            send(self._process, signal.SIGKILL)
            await self._supervisor
        await self._output
        self._log.close()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]:
        await asyncio.wait_for(self._up.wait(), STARTUP_LIMIT)
        password = (self._directory / SUPERUSER).read_text()
        connection = await psycopg.AsyncConnection.connect(
            host="127.0.0.1",
            hostaddr="127.0.0.1",
            port=self.port,
            user=SUPERUSER,
            password=password,
            dbname="postgres",
            sslmode="disable",
            options="",
            connect_timeout=10,
            autocommit=True,
        )
        async with connection:
            yield connection

    async def put_admin(self, server: str, admin: str, password: str) -> None:
        """Make the administrator or give it this password, then record the server as complete."""
        async with self._connect() as connection:
            verifier = connection.pgconn.encrypt_password(password.encode(), admin.encode(), b"scram-sha-256").decode()
            known = await _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", admin)
            verb = "ALTER ROLE" if known else "CREATE ROLE"
            await connection.execute(
                sql.SQL("{} {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(
                    sql.SQL(verb), sql.Identifier(admin), sql.Literal(verifier)
                )
            )
            await connection.execute(sql.SQL("GRANT pg_monitor, pg_signal_backend TO {}").format(sql.Identifier(admin)))
        write_private(self._directory / "server.json", json.dumps(asdict(ServerRecord(server, admin, self.port))))

    async def put_database(self, name: str, owner: str) -> None:
        async with self._connect() as connection:
            if not await _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
                statement = sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0")
                await connection.execute(statement.format(sql.Identifier(name), sql.Identifier(owner)))

    async def delete_database(self, name: str) -> None:
        async with self._connect() as connection:
            await connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


async def _exists(connection: psycopg.AsyncConnection[tuple[object, ...]], query: LiteralString, value: str) -> bool:
    cursor = await connection.execute(query, (value,))
    return await cursor.fetchone() is not None


def read_record(directory: Path) -> ServerRecord | None:
    """The record of the server kept in `directory`, None when it was never completed."""
    try:
        return ServerRecord(**json.loads((directory / "server.json").read_text()))
    except FileNotFoundError:
        return None


def _says_ready(data: Path) -> bool:
    """The eighth line of the postmaster's lock file is its state."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _end_orphans(data: Path) -> None:
    """Backends outlive a killed postmaster for a moment and hold its shared memory; then its lock file is stale."""
    orphans = [process for process in psutil.process_iter(["cwd"]) if process.info["cwd"] == str(data)]
    kill(orphans, signal.SIGQUIT)
    alive = wait_for(orphans, 5)
    kill(alive, signal.SIGKILL)
    wait_for(alive, 5)
    (data / "postmaster.pid").unlink(missing_ok=True)
