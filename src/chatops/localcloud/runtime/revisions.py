"""One active revision of an app: its replicas, the scaler that counts them, and whether it ever became ready."""

from __future__ import annotations

import asyncio

from ..tasks import beside
from .environment import without_values
from .instances import Starter
from .logs import AppLogs, last_lines
from .probes import allowance
from .replicas import Replica, ReplicaSet
from .rules import Load
from .scaler import Clock, Gauge, Scaler
from .signals import Changes
from .spec import AppSpec, RuntimeFailure, Scale, Unavailable, Utilization
from .usage import Meter

STARTUP_LIMIT = 120.0  # seconds for a new revision without a startup probe of its own
CRASHES = 4  # exits of one replica that was never ready, after which a new revision is given up
GIB = 1024**3  # bytes
GIST = 8  # log lines in the message about a failed revision


class Revision:
    """Comes up when it is made, and stays until it is ended. Implements `scaler.Scalable`.

    `proved` once all its first replicas were ready at the same time; `failure` while it looks as if they never will be.
    """

    def __init__(self, spec: AppSpec, starter: Starter, logs: AppLogs, clock: Clock, changes: Changes) -> None:
        self.spec = spec
        self.gauge = Gauge()
        self.proved = False
        self.failure: RuntimeFailure | None = None
        self._starter = starter
        self._logs = logs
        self._clock = clock
        self._changes = changes
        self.replica_set = self._new_set()
        self._replaced: set[asyncio.Task[None]] = set()
        self._scaler = Scaler(self, clock)
        self._meter = Meter()
        self._life = self._begin()

    def _begin(self) -> asyncio.Task[None]:
        return beside(self._live(), f"the life of revision {self.name}")

    def _new_set(self) -> ReplicaSet:
        return ReplicaSet(self.spec, self._starter, self._logs, self._changes.announce)

    # what the ingress asks

    @property
    def name(self) -> str:
        return self.spec.revision

    def request_began(self) -> None:
        self.gauge.add(1, self._clock.now())
        if self.proved and self.replicas == 0:
            self._scaler.wake.set()

    def request_ended(self) -> None:
        self.gauge.add(-1, self._clock.now())

    def available(self) -> list[Replica]:
        return self.replica_set.available() if self.proved else []

    # what the scaler asks

    @property
    def scale(self) -> Scale:
        return self.spec.scale

    @property
    def replicas(self) -> int:
        return self.replica_set.count

    def set_replicas(self, count: int) -> None:
        self.replica_set.scale(count)

    async def measure(self, requests: float) -> Load:
        if not any(isinstance(rule, Utilization) for rule in self.scale.rules):
            return Load(requests)
        mean = self._meter.mean(await self.replica_set.usage(), self._clock.now())
        return Load(requests, mean.cpu / self.spec.cpu, mean.memory / (self.spec.memory_gib * GIB))

    # what the app asks

    async def ready(self) -> None:
        """Return once it was proved. Raises RuntimeFailure as soon as it looks as if it never will be."""
        await self._changes.until(lambda: self.proved or self.failure is not None)
        if self.failure:
            raise self.failure

    def restart(self) -> None:
        """Start as many fresh replicas as there are, for which requests wait, and drain the old in the background."""
        old, self.replica_set = self.replica_set, self._new_set()
        if self.proved:
            self.replica_set.scale(max(old.count, 1))
        else:
            self._life.cancel()
            self.failure = None
            self._life = self._begin()
        task = asyncio.create_task(old.stop())
        self._replaced.add(task)
        task.add_done_callback(self._replaced.discard)

    async def end(self) -> None:
        """Drain all replicas; return when none is left."""
        self._life.cancel()
        await asyncio.gather(self.replica_set.stop(), *self._replaced)

    async def _live(self) -> None:
        try:
            await self._starter.prepare()
            self.replica_set.scale(max(self.scale.minimum, 1))
            await self._decided()
        except RuntimeFailure as failure:
            self.failure = failure
            self._changes.announce()
            if isinstance(failure, Unavailable):
                self.replica_set.scale(max(self.scale.minimum, 1))  # their own starts prepare, as soon as that can be
            await self._changes.until(lambda: self._complete)
        self.proved, self.failure = True, None
        self._scaler.active()
        self._changes.announce()
        await self._scaler.run()

    @property
    def _complete(self) -> bool:
        return 0 < self.replica_set.count == len(self.replica_set.available())

    async def _decided(self) -> None:
        limit = startup_limit(self.spec)
        try:
            async with asyncio.timeout(limit):
                await self._changes.until(lambda: self._complete or self._hopeless is not None)
        except TimeoutError:
            slow = self.replica_set.replicas[0]
            why = f": {slow.reason}" if slow.reason else ""
            raise self._failed(slow, f"was not ready after {limit:g} s{why}") from None
        if lost := self._hopeless:
            raise self._failed(lost, f"{lost.failure}, {lost.restarts} times in a row")

    @property
    def _hopeless(self) -> Replica | None:
        return next((replica for replica in self.replica_set.replicas if replica.restarts >= CRASHES), None)

    def _failed(self, replica: Replica, what: str) -> RuntimeFailure:
        lines = last_lines(self._logs.directory / f"{replica.name}.log", GIST)
        said = "\n".join(line.decode(errors="replace").rstrip() for line in lines)
        spec = self.spec
        message = (
            f"Failed to provision revision for container app '{spec.name}'. "
            f"Error details: container '{spec.name}' of revision '{spec.revision}' {what}. Its log ends:\n{said}"
        )
        return RuntimeFailure("ContainerAppOperationError", without_values(message, spec.env))


def startup_limit(spec: AppSpec) -> float:
    """Seconds that a new revision has: what its own startup and readiness probes allow, at most 600."""
    own = {probe.kind: allowance(probe) for probe in spec.probes if probe.kind != "Liveness"}
    return min(600.0, sum(own.values())) if "Startup" in own else STARTUP_LIMIT
