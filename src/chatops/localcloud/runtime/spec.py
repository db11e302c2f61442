"""The values that control plane and runtime exchange: what is to run, and how it runs.

The control plane makes them of ARM bodies, with secrets resolved and defaults filled in, and calls `contract.Runtime`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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
