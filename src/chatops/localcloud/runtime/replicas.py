"""A replica: one instance at a time, supervised, probed, restarted with back-off, and drained when it must go."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from ..tasks import beside
from .backoff import Backoff
from .contract import Terminal
from .instances import Instance, Starter
from .logs import AppLogs
from .probes import Health, effective
from .signals import at_most
from .spec import AppSpec, Probe, ReplicaInfo, RuntimeFailure, Unavailable
from .usage import Usage

log = logging.getLogger(__name__)

AWAY = 1.0  # seconds between two tries to start while what it would run on is away
RESTART_GRACE = 5.0  # seconds from SIGTERM to SIGKILL for a replica whose probe failed
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def replica_name(revision: str) -> str:
    """`<revision>-<10>-<5>` letters and digits without vowels, as Kubernetes names the pods of a revision."""
    tail = "".join(secrets.choice(_LETTERS) for _ in range(15))
    return f"{revision}-{tail[:10]}-{tail[10:]}"


class Replica:
    """Serves requests while `ready` and not `draining`. `changed` is called when any of what one can see changes."""

    def __init__(self, revision: str, starter: Starter, logs: AppLogs, changed: Callable[[], None]) -> None:
        self.name = replica_name(revision)
        self.revision = revision
        self.started = datetime.now(UTC).isoformat()
        self.ready = False
        self.draining = False
        self.restarts = 0
        self.in_flight = 0
        self.touched = False  # whether a request reached it since the last look
        self.failure: str | None = None  # why it ended the last time
        self._starter = starter
        self._logs = logs
        self._log = logs.open(self.name)
        self._changed = changed
        self._instance: Instance | None = None
        self._health: Health | None = None
        self._stop = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None

    def run(self, probes: Mapping[str, Probe]) -> None:
        """Start, and keep running until `stop`."""
        self._supervisor = beside(self._supervise(dict(probes)), f"the supervision of replica {self.name}")

    @property
    def info(self) -> ReplicaInfo:
        instance = self._instance
        return ReplicaInfo(
            name=self.name,
            revision=self.revision,
            started=self.started,
            state="Running" if instance else "NotRunning",
            ready=self.ready,
            restarts=self.restarts,
            pid=instance.pid if instance else None,
            id=instance.id if instance else None,
            reason=self.reason,
            limited=instance.limited if instance else False,
        )

    @property
    def reason(self) -> str | None:
        """Why it ended the last time or, before it ever did, what keeps its probes from finding it ready."""
        if self.failure or self.ready or self._health is None:
            return self.failure
        return self._health.trouble or None

    @property
    def available(self) -> bool:
        return self.ready and not self.draining and self._instance is not None

    def look(self) -> bool:
        """Whether it had anything to do since the last look."""
        worked, self.touched = self.touched or self.in_flight > 0, False
        return worked

    @property
    def address(self) -> tuple[str, int]:
        """Where its instance listens. Only for an available replica."""
        assert self._instance is not None  # noqa: S101
        return self._instance.address

    async def exec(self, argv: Sequence[str]) -> Terminal:
        """Run a command inside. Raises RuntimeFailure when nothing runs there or the command cannot be started."""
        if self._instance is None:
            raise RuntimeFailure("ClusterExecFailure", f"replica '{self.name}' is not running")
        try:
            return await self._instance.exec(argv)
        except OSError as error:
            raise RuntimeFailure("ClusterExecFailure", str(error)) from error

    async def usage(self) -> Usage | None:
        """What its instance uses now, None while none runs."""
        return await self._instance.usage() if self._instance else None

    async def _supervise(self, probes: dict[str, Probe]) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            began = time.monotonic()
            self.failure = await self._live_once(probes)
            if self._stop.is_set():
                return
            self.restarts += 1
            pause = backoff.after(time.monotonic() - began)
            self._log.note(f"{self.failure}; restart {self.restarts} in {pause:g} s")
            self._changed()
            await at_most(pause, self._stop)

    async def _live_once(self, probes: dict[str, Probe]) -> str:
        """One instance from its start to its end. Returns why it ended."""
        try:
            self._instance = await self._started()
        except (RuntimeFailure, OSError) as error:
            return f"could not start: {error}"
        if self._stop.is_set():  # asked for while it started
            self._instance.kill()
        self._changed()
        self._verdict: str | None = None
        watch = asyncio.create_task(self._watch(self._instance, probes))
        try:
            ended = await self._instance.wait()
        finally:
            watch.cancel()
            self._instance = None
            self._set_ready(False)
        return self._verdict or ended

    async def _started(self) -> Instance:
        """Start, trying again every second while what it runs on is away: those tries are no restarts."""
        while True:
            try:
                return await self._starter.start(self.name, self._log)
            except Unavailable as away:
                if self._stop.is_set():
                    raise
                self._excuse(str(away))
            await at_most(AWAY, self._stop)

    def _excuse(self, failure: str) -> None:
        if self.failure != failure:
            self.failure = failure
            self._log.note(f"{failure}; waiting for it")
            self._changed()

    async def _watch(self, instance: Instance, probes: dict[str, Probe]) -> None:
        self._health = Health(probes, instance.address, self._set_ready)
        self._verdict = await self._health.ended()
        self._set_ready(False)
        await self._end(instance, RESTART_GRACE)

    def _set_ready(self, ready: bool) -> None:
        self.ready = ready
        self._changed()

    async def _end(self, instance: Instance, grace: float) -> None:
        instance.terminate()
        await asyncio.sleep(grace)
        instance.kill()

    async def stop(self, grace: float) -> None:
        """No new requests; SIGTERM at once, as Azure does; SIGKILL after `grace` seconds. Returns when it is gone."""
        self.draining = True
        self._stop.set()
        self._changed()
        if self._supervisor is None:
            return
        killer = asyncio.create_task(self._end(self._instance, grace)) if self._instance else None
        await asyncio.wait([self._supervisor])
        if killer:
            killer.cancel()
        self._logs.close(self.name)


class ReplicaSet:
    """The replicas of one revision."""

    def __init__(self, spec: AppSpec, starter: Starter, logs: AppLogs, changed: Callable[[], None]) -> None:
        self.revision = spec.revision
        self.replicas: list[Replica] = []
        self._probes = effective(spec.probes, ingress=spec.fqdn is not None)
        self._grace = spec.grace
        self._starter = starter
        self._logs = logs
        self._changed = changed
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """Replicas that stay; those that drain do not count."""
        return sum(not replica.draining for replica in self.replicas)

    def scale(self, wanted: int) -> None:
        """Start or drain replicas until `wanted` stay. Draining goes on in the background."""
        for _ in range(wanted - self.count):
            replica = Replica(self.revision, self._starter, self._logs, self._changed)
            self.replicas.append(replica)
            replica.run(self._probes)
        staying = [replica for replica in self.replicas if not replica.draining]
        for replica in self._least_useful(staying)[: max(0, len(staying) - wanted)]:
            replica.draining = True
            task = asyncio.create_task(self._leave(replica))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    def _least_useful(self, staying: list[Replica]) -> list[Replica]:
        return sorted(staying, key=lambda replica: (replica.ready, replica.in_flight))

    async def _leave(self, replica: Replica) -> None:
        await replica.stop(self._grace)
        self.replicas.remove(replica)
        self._changed()

    async def stop(self) -> None:
        """Drain all; return when none is left."""
        for replica in self.replicas:
            if not replica.draining:
                task = asyncio.create_task(self._leave(replica))
                self._leaving.add(task)
                replica.draining = True
        await asyncio.gather(*self._leaving)

    async def usage(self) -> dict[str, Usage]:
        """What each replica that takes requests uses, by its name."""
        ready = self.available()
        found = await asyncio.gather(*(replica.usage() for replica in ready))
        return {replica.name: usage for replica, usage in zip(ready, found, strict=True) if usage}

    def available(self) -> list[Replica]:
        """Those that may be sent a request now."""
        return [replica for replica in self.replicas if replica.available]
