"""What the control plane asks of the runtime: the contract between Azure's resource bodies and what really runs.

The control plane turns ARM bodies into these values (secrets resolved, defaults filled in) and calls `Runtime`.
The runtime knows neither ARM nor api-versions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from .tally import Tally

CHALLENGE = "/.well-known/pki-validation/fileauth.txt"


@dataclass(frozen=True)
class Probe:
    """One HTTP probe of a container, with Azure's own defaults. Times are in seconds."""

    kind: Literal["Liveness", "Readiness", "Startup"]
    path: str
    initial_delay: float = 0
    period: float = 10
    timeout: float = 1
    failure_threshold: int = 3
    success_threshold: int = 1


@dataclass(frozen=True)
class Utilization:
    """A rule that holds the mean use of a resource at `percent` of what each replica asks for."""

    resource: Literal["cpu", "memory"]
    percent: float


@dataclass(frozen=True)
class Cron:
    """A rule that asks for `replicas` between two cron expressions, `start` and `end`, in a time zone of tzdata."""

    timezone: str
    start: str
    end: str
    replicas: int


Rule = Utilization | Cron


@dataclass(frozen=True)
class Scale:
    """Replica bounds and rules: `concurrency` requests in flight a replica (None: they do not count) and others.

    The cool-down (of the last replica) and the polling interval are in seconds.
    """

    minimum: int = 0
    maximum: int = 10
    concurrency: int | None = 10
    cooldown: float = 300
    polling: float = 30
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class AppSpec:
    """One revision of a container app, ready to run. `env` holds resolved secrets: never log or print it."""

    id: str  # the app's ARM id, lower-case
    name: str  # what its neighbours call it: http://<name>
    environment: str  # ARM id of its managed environment, lower-case; apps reach only their own
    revision: str
    image: str  # "<registry>.azurecr.io/<repository>@sha256:..." or ":tag"
    fqdn: str | None = None  # None: no ingress
    external: bool = False
    port: int = 80  # the ingress target port; a replica is told its own in CONTAINER_APP_PORT
    cpu: float = 0.5
    memory_gib: float = 1.0
    env: dict[str, str] = field(default_factory=dict, repr=False)
    probes: tuple[Probe, ...] = ()
    scale: Scale = Scale()
    grace: float = 30  # seconds between SIGTERM and SIGKILL
    created: str = ""  # ISO 8601: of two revisions the one made later is the latest, whenever they were activated


@dataclass(frozen=True)
class Share:
    """One entry of an app's traffic: `weight` of 100 for a revision, None meaning the latest that is ready."""

    weight: int
    revision: str | None = None
    label: str | None = None


LATEST = (Share(100),)


@dataclass(frozen=True)
class CustomDomain:
    """A host name of an app's own, with the certificate that it is served with; plain HTTP is redirected if `https`."""

    name: str
    certificate: str | None = None
    https: bool = True


@dataclass(frozen=True)
class ReplicaInfo:
    """One replica, as `replicas` of the management API shows it."""

    name: str
    revision: str
    started: str  # ISO 8601, UTC
    state: Literal["Running", "NotRunning", "Unknown"]
    ready: bool
    restarts: int
    pid: int | None
    id: str | None = None  # of what runs: process://<pid> or docker://<container>
    reason: str | None = None  # why it ended the last time or could not start; else why it is not ready
    limited: bool = False  # whether cpu and memory are held to what the app asks for; processes are not


@dataclass(frozen=True)
class RevisionStatus:
    """One active revision: `proved` once it was ready, `failure` why it is not, as far as anybody knows by now."""

    name: str
    proved: bool
    failure: str | None
    traffic: int
    in_flight: int


@dataclass(frozen=True)
class AppStatus:
    """What the ingress and the scaler see of one app now."""

    replicas: tuple[ReplicaInfo, ...]
    in_flight: int
    latest_ready_revision: str
    revisions: tuple[RevisionStatus, ...] = ()


@dataclass(frozen=True)
class Work:
    """A revision's replicas, those without and those with work since the last look, and the size of each."""

    cpu: float
    memory_gib: float
    idle: int
    active: int


@dataclass(frozen=True)
class Activity:
    """What one app did since the last look: requests from outside its environment, bytes of logs, its replicas."""

    app: str
    environment: str
    outside: int
    logged: int
    work: tuple[Work, ...]


class RuntimeFailure(Exception):
    """What was asked of the runtime cannot be had. `code` is Azure's error code, `str(error)` its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Unavailable(RuntimeFailure):
    """What it would run on is away for now; nothing is wrong with what was asked for."""


class Terminal(Protocol):
    """A command that runs on a terminal: bytes both ways until it ends."""

    async def read(self) -> bytes:
        """The next output; b"" when the command has ended and all was read."""

    def write(self, data: bytes) -> None: ...

    def resize(self, width: int, height: int) -> None: ...

    async def close(self) -> int:
        """End the command if it still runs. Returns its exit code (negative: the signal)."""


class Runtime(Protocol):
    """What really runs. All calls are idempotent; each returns when the thing is there (or gone)."""

    async def start(self) -> None:
        """End what an earlier daemon left behind (by pid and start time), open the ingress."""

    async def stop(self) -> None:
        """Drain and end every replica, then the databases; close the ingress."""

    async def put_server(self, server: str, version: str, admin: str, password: str | None) -> str:
        """Start the database server `server` (ARM id, lower-case), made on first use with `admin` and `password`.

        Without a password the server must exist already (the daemon starts again). Returns the version really running.
        """

    async def stop_server(self, server: str) -> None:
        """End the server and keep its data; `put_server` without a password starts it again."""

    async def delete_server(self, server: str) -> None: ...

    async def put_database(self, server: str, name: str) -> None: ...

    async def delete_database(self, server: str, name: str) -> None: ...

    async def put_app(self, app: AppSpec) -> None:
        """Bring this revision up beside the running one, shift to it when it is ready, drain the others: Single mode.

        Raises RuntimeFailure("ContainerAppOperationError", ...) when it does not become ready; the old one serves on.
        """

    async def put_revision(self, app: AppSpec) -> None:
        """Begin to bring this revision up beside the others; it gets what traffic its app's shares give it.

        Returns at once: whether it becomes ready shows in `app_status`. It is tried again for ever until it is ended.
        """

    def end_revision(self, app: str, revision: str) -> None:
        """Take its traffic from a revision and drain it in the background. One that does not run is as good."""

    def restart_revision(self, app: str, revision: str) -> None:
        """Replace the replicas of an active revision by fresh ones; requests wait for them meanwhile."""

    def set_traffic(self, app: str, traffic: tuple[Share, ...]) -> None:
        """Split what arrives at the app's own name; holds for revisions that come later as well."""

    def set_domains(self, app: str, domains: tuple[CustomDomain, ...]) -> None:
        """The host names beside its own that an external app answers to; holds before the app runs as well."""

    def put_certificate(self, certificate: str, pem: str) -> None:
        """Serve this key and chain for what names `certificate` (an ARM id, lower-case): a domain or an environment.

        New connections get it at once, established ones go on. Raises ValueError when it is no key with its chain.
        """

    def delete_certificate(self, certificate: str) -> None: ...

    def set_challenge(self, host: str, token: str | None) -> None:
        """Show this token under `CHALLENGE` of a host name over plain HTTP, or (None) no longer."""

    async def delete_app(self, app: str) -> None: ...

    def app_status(self, app: str) -> AppStatus | None: ...

    def activity(self) -> list[Activity]:
        """What all apps did since this was last asked."""

    def tally(self, app: str) -> Tally | None:
        """What the app did by the minute, None when it does not run here."""

    def logs(self, app: str, replica: str | None, tail: int, follow: bool) -> AsyncIterator[bytes]:
        """Log lines of one replica, or of all replicas of the app (dead ones too), oldest first."""

    async def exec(self, app: str, replica: str, argv: Sequence[str]) -> Terminal:
        """Run a command inside a replica, on a terminal. Raises RuntimeFailure when it cannot be started."""

    def image_digest(self, reference: str) -> str | None:
        """The digest behind "<registry>/<repository>:<tag>" or "@sha256:...", None when there is no such image."""

    def registry_size(self, login_server: str) -> int:
        """Bytes that a registry's images take up, each layer counted once. Reads files: not for the event loop."""

    async def delete_registry(self, login_server: str) -> None: ...

    @property
    def ingress_url(self) -> str:
        """Where external apps answer on this machine, e.g. http://127.0.0.1:8400; it stays the same over restarts."""

    @property
    def ingress_tls_url(self) -> str:
        """Where they answer over TLS, by the host name that a client names (SNI)."""
