"""One app as the ingress and the scaler see it: the revision that serves, one that comes up, others that drain."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from .environment import without_values
from .instances import Starter
from .logs import AppLogs, last_lines
from .probes import allowance
from .replicas import Replica, ReplicaSet
from .scaler import Clock, Gauge, Scaler
from .signals import Changes
from .spec import AppSpec, AppStatus, RuntimeFailure, Scale

STARTUP_LIMIT = 120.0  # seconds for a new revision without a startup probe of its own
CRASHES = 4  # exits of one replica that was never ready, after which a new revision is given up
RETRY_PAUSE = 0.2  # seconds before a replica that refused a request is tried again
GIST = 8  # log lines in the message about a failed revision


class NotServing(Exception):
    """No revision of the app serves, and none is coming up."""


class App:
    """Routes within the app, and rolls revisions over. Implements `scaler.Scalable`."""

    def __init__(self, spec: AppSpec, logs: AppLogs, clock: Clock) -> None:
        self.spec = spec
        self.gauge = Gauge()
        self._clock = clock
        self._logs = logs
        self._changes = Changes()
        self._serving: ReplicaSet | None = None
        self._coming: ReplicaSet | None = None
        self._abandoned = False
        self._retired: dict[ReplicaSet, asyncio.Task[None]] = {}
        self._scaler = Scaler(self, clock)
        self._scaling: asyncio.Task[None] | None = None

    # what the ingress asks

    def request_began(self) -> None:
        self.gauge.add(1, self._clock.now())
        if self._serving and self.replicas == 0:
            self._scaler.wake.set()

    def request_ended(self) -> None:
        self.gauge.add(-1, self._clock.now())

    async def available(self, tried: set[Replica]) -> Replica:
        """The ready replica with the fewest requests in flight, waiting for one if need be. Raises NotServing.

        Replicas in `tried` refused this request; when there is no other, they are tried again after a moment.
        """
        while True:
            await self._changes.until(lambda: bool(self._ready()) or self._idle)
            if self._serving is None and self._idle:
                raise NotServing
            fresh = [replica for replica in self._ready() if replica not in tried]
            if fresh:
                return min(fresh, key=lambda replica: replica.in_flight)
            tried.clear()
            await asyncio.sleep(RETRY_PAUSE)

    def _ready(self) -> list[Replica]:
        return self._serving.available() if self._serving else []

    @property
    def _idle(self) -> bool:
        return self._serving is None and self._coming is None

    # what the scaler asks

    @property
    def scale(self) -> Scale:
        return self.spec.scale

    @property
    def replicas(self) -> int:
        return self._serving.count if self._serving else 0

    def set_replicas(self, count: int) -> None:
        if self._serving:
            self._serving.scale(count)

    # what the runtime asks

    @property
    def revision(self) -> str:
        """The revision that serves, "" when none does."""
        return self._serving.revision if self._serving else ""

    def adopt(self, spec: AppSpec) -> None:
        """Take over what may change without a new revision: names and reach."""
        self.spec = replace(self.spec, fqdn=spec.fqdn, external=spec.external)

    async def deploy(self, spec: AppSpec, starter: Starter) -> None:
        """Bring `spec` up beside what serves; shift when all its first replicas are ready. Raises RuntimeFailure."""
        await starter.prepare()
        self._check_wanted()
        coming = self._coming = ReplicaSet(spec, starter, self._logs, self._changes.announce)
        coming.scale(max(spec.scale.minimum, 1))
        try:
            await self._until_ready(coming, spec)
        except BaseException:
            self._coming = None
            self._retire(coming)
            self._changes.announce()
            raise
        self._shift(coming, spec)

    def _shift(self, coming: ReplicaSet, spec: AppSpec) -> None:
        old = self._serving
        self._serving, self._coming, self.spec = coming, None, spec
        if old:
            self._retire(old)
        self._scaler.active()
        if self._scaling is None:
            self._scaling = asyncio.create_task(self._scaler.run())
        self._changes.announce()

    async def _until_ready(self, coming: ReplicaSet, spec: AppSpec) -> None:
        limit = startup_limit(spec)

        def decided() -> bool:
            return self._abandoned or _hopeless(coming) is not None or len(coming.available()) == coming.count

        try:
            await asyncio.wait_for(self._changes.until(decided), limit)
        except TimeoutError:
            raise self._failure(spec, coming.replicas[0], f"was not ready after {limit:g} s") from None
        self._check_wanted()
        if lost := _hopeless(coming):
            raise self._failure(spec, lost, f"{lost.failure}, {lost.restarts} times in a row")

    def _check_wanted(self) -> None:
        if self._abandoned:
            raise RuntimeFailure("OperationCanceled", f"container app '{self.spec.name}' was deleted meanwhile")

    def abandon(self) -> None:
        """Let a deployment that is under way end now, without success."""
        self._abandoned = True
        self._changes.announce()

    def _failure(self, spec: AppSpec, replica: Replica, what: str) -> RuntimeFailure:
        lines = last_lines(self._logs.directory / f"{replica.name}.log", GIST)
        said = "\n".join(line.decode(errors="replace").rstrip() for line in lines)
        message = (
            f"Failed to provision revision for container app '{spec.name}'. "
            f"Error details: container '{spec.name}' of revision '{spec.revision}' {what}. Its log ends:\n{said}"
        )
        return RuntimeFailure("ContainerAppOperationError", without_values(message, spec.env))

    def _retire(self, replicas: ReplicaSet) -> None:
        task = asyncio.create_task(replicas.stop())
        self._retired[replicas] = task
        task.add_done_callback(lambda _: self._retired.pop(replicas, None))

    async def stop(self) -> None:
        """Drain and end everything; requests that wait are told that nothing serves."""
        if self._scaling:
            self._scaling.cancel()
        if self._serving:
            self._retire(self._serving)
        self._serving = None
        self.abandon()
        await self._changes.until(lambda: self._coming is None)
        await asyncio.gather(*self._retired.values())

    @property
    def status(self) -> AppStatus:
        sets = [*self._retired, *filter(None, (self._serving, self._coming))]
        infos = tuple(replica.info for replicas in sets for replica in replicas.replicas)
        return AppStatus(infos, self.gauge.now, self.revision)


def startup_limit(spec: AppSpec) -> float:
    """Seconds that a new revision has: what its own startup and readiness probes allow, at most 600."""
    own = {probe.kind: allowance(probe) for probe in spec.probes if probe.kind != "Liveness"}
    return min(600.0, sum(own.values())) if "Startup" in own else STARTUP_LIMIT


def _hopeless(coming: ReplicaSet) -> Replica | None:
    return next((replica for replica in coming.replicas if replica.restarts >= CRASHES), None)
