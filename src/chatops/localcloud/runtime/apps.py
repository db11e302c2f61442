"""One app as the ingress sees it: its active revisions, and how what arrives is split between them.

https://learn.microsoft.com/azure/container-apps/revisions and .../traffic-splitting
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from types import TracebackType

from .instances import Starter
from .logs import AppLogs
from .replicas import Replica
from .revisions import Revision
from .scaler import Clock
from .signals import Changes
from .spec import LATEST, Activity, AppSpec, AppStatus, RevisionStatus, RuntimeFailure, Share, Work
from .tally import Tally

RETRY_PAUSE = 0.2  # seconds before a replica that refused a request is tried again


class NotServing(Exception):
    """No revision that the request may go to runs or comes up."""


class App:
    """The active revisions by name, and who gets what. `spec` is the newest revision's, for what is the app's own."""

    def __init__(self, spec: AppSpec, logs: AppLogs, clock: Clock) -> None:
        self.spec = spec
        self.revisions: dict[str, Revision] = {}
        self.in_flight = 0
        self.changes = Changes()
        self.tally = Tally()
        self._traffic: tuple[Share, ...] = LATEST
        self._logs = logs
        self._clock = clock
        self._leaving: dict[Revision, asyncio.Task[None]] = {}

    # what the ingress asks

    def visit(self, host: str) -> Visit:
        """One request's stay, by the host name that it was sent to. Enter it, then ask for a replica."""
        return Visit(self, host)

    def answers_to(self, host: str) -> bool:
        """Whether `host` is the app's own name or that of one of its active revisions or labels."""
        return host == self.spec.fqdn or self.named(host) is not None

    def named(self, host: str) -> Revision | None:
        """The revision that `<app>--<suffix>.<domain>` or the label that `<app>---<label>.<domain>` stands for."""
        first, _, rest = host.partition(".")
        if not self.spec.fqdn or self.spec.fqdn.partition(".")[2] != rest:
            return None
        labelled = (share for share in self._traffic if share.label and first == f"{self.spec.name}---{share.label}")
        return self.revisions.get(first) or next(filter(None, map(self._behind, labelled)), None)

    def choose(self, host: str) -> Revision:
        """The revision that a request to `host` goes to now, at random by weight. Raises NotServing."""
        if named := self.named(host):
            return named
        if shares := self._shares():
            return random.choices([one for one, _ in shares], [weight for _, weight in shares])[0]  # noqa: S311
        if not (hopeful := self._hopeful):
            raise NotServing
        return hopeful[-1]

    def may_serve(self, revision: Revision, host: str) -> bool:
        """Whether a request to `host` that waits for this revision waits in the right place."""
        return revision is self.named(host) or revision in ([one for one, _ in self._shares()] or self._hopeful)

    @property
    def _hopeful(self) -> list[Revision]:
        """Who may become the latest that is ready, when what arrives is meant for that one and there is none."""
        if not any(share.weight and share.revision is None for share in self._traffic):
            return []
        return [one for one in self.revisions.values() if one.failure is None]

    def _shares(self) -> list[tuple[Revision, int]]:
        found = [(self._behind(share), share.weight) for share in self._traffic if share.weight]
        return [(revision, weight) for revision, weight in found if revision]

    def _behind(self, share: Share) -> Revision | None:
        return self.revisions.get(share.revision) if share.revision else self.latest

    # what the runtime asks

    @property
    def latest(self) -> Revision | None:
        """The newest revision that was ever ready."""
        proved = [one for one in self.revisions.values() if one.proved]
        return max(proved, key=lambda one: one.spec.created) if proved else None

    def adopt(self, spec: AppSpec) -> None:
        """Take over what may change without a new revision: names and reach."""
        self.spec = replace(self.spec, fqdn=spec.fqdn, external=spec.external)

    def set_traffic(self, traffic: tuple[Share, ...]) -> None:
        self._traffic = traffic
        self.changes.announce()

    def begin(self, spec: AppSpec, starter: Starter) -> Revision:
        """Bring `spec` up beside what runs."""
        revision = Revision(spec, starter, self._logs, self._clock, self.changes)
        self.revisions[spec.revision] = revision
        self.spec = spec
        return revision

    async def deploy(self, spec: AppSpec, starter: Starter) -> None:
        """Bring `spec` up, then give it all and end the others; end it if it fails. Raises RuntimeFailure."""
        coming = self.revisions.get(spec.revision) or self.begin(spec, starter)
        try:
            await self._ready(coming)
        except BaseException:
            self.end(coming.name)
            raise
        self.set_traffic(LATEST)
        for name in [name for name in self.revisions if name != coming.name]:
            self.end(name)

    async def _ready(self, coming: Revision) -> None:
        gone = asyncio.create_task(self.changes.until(lambda: coming.name not in self.revisions))
        ready = asyncio.create_task(coming.ready())
        await asyncio.wait({gone, ready}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not ready.done():
            ready.cancel()
            raise RuntimeFailure("OperationCanceled", f"container app '{self.spec.name}' was deleted meanwhile")
        await ready

    def end(self, name: str) -> None:
        """No more requests for this revision; it is drained in the background. One that is not active is as good."""
        if revision := self.revisions.pop(name, None):
            task = self._leaving[revision] = asyncio.create_task(revision.end())
            task.add_done_callback(lambda _: self._leaving.pop(revision, None))
            self.changes.announce()

    async def stop(self) -> None:
        """Drain and end everything; requests that wait are told that nothing serves."""
        for name in list(self.revisions):
            self.end(name)
        await asyncio.gather(*self._leaving.values())

    def activity(self) -> Activity:
        """What it did since the last look, revisions that end included. Replicas are noted in the tally."""
        work = tuple(self._work(one) for one in (*self._leaving, *self.revisions.values()))
        outside, logged = self.tally.take_outside(), self._logs.take_written()
        return Activity(self.spec.id, self.spec.environment, outside, logged, work)

    def _work(self, revision: Revision) -> Work:
        replicas, spec = revision.replica_set.replicas, revision.spec
        worked = [replica.look() for replica in replicas]
        if len(replicas) > spec.scale.minimum:
            worked = [True] * len(replicas)
        self.tally.seen(revision.name, len(replicas), sum(replica.restarts for replica in replicas))
        return Work(spec.cpu, spec.memory_gib, idle=worked.count(False), active=worked.count(True))

    @property
    def status(self) -> AppStatus:
        everyone = [*self._leaving, *self.revisions.values()]
        infos = tuple(replica.info for one in everyone for replica in one.replica_set.replicas)
        shares = self._shares()
        revisions = tuple(
            RevisionStatus(
                name=one.name,
                proved=one.proved,
                failure=str(one.failure) if one.failure else None,
                traffic=sum(weight for owner, weight in shares if owner is one),
                in_flight=one.gauge.now,
            )
            for one in self.revisions.values()
        )
        return AppStatus(infos, self.in_flight, self.latest.name if self.latest else "", revisions)


class Visit:
    """One request within an app: counted at the revision where it is, and following the traffic while it waits."""

    def __init__(self, app: App, host: str) -> None:
        self._app = app
        self._host = host
        self._at: Revision | None = None
        self.revision = ""
        """The name of the revision that it was at last."""

    def __enter__(self) -> Visit:
        self._app.in_flight += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._move(None)
        self._app.in_flight -= 1

    async def available(self, tried: set[Replica]) -> Replica:
        """The ready replica with the fewest requests in flight, waiting for one if need be. Raises NotServing.

        Replicas in `tried` refused this request; when there is no other, they are tried again after a moment.
        """
        while True:
            revision = self._app.choose(self._host)
            self._move(revision)
            if not await self._opens(revision):
                continue
            fresh = [replica for replica in revision.available() if replica not in tried]
            if fresh:
                return min(fresh, key=lambda replica: replica.in_flight)
            tried.clear()
            await asyncio.sleep(RETRY_PAUSE)

    async def _opens(self, revision: Revision) -> bool:
        """Wait until it has a replica for us (True), or has no right to this request any more."""
        app = self._app
        await app.changes.until(lambda: bool(revision.available()) or not app.may_serve(revision, self._host))
        return app.may_serve(revision, self._host)

    def _move(self, revision: Revision | None) -> None:
        if revision is self._at:
            return
        if self._at:
            self._at.request_ended()
        if revision:
            revision.request_began()
            self.revision = revision.name
        self._at = revision
