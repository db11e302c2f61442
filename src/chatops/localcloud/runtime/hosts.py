"""What replicas run on: this machine's own processes, or (in `docker/`) containers of an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .instances import Machine, ProcessStarter, Starter
from .spec import AppSpec

LEFTOVER_GRACE = 3.0  # seconds between SIGTERM and SIGKILL for what a killed daemon left behind


class Host(Protocol):
    """Starts replicas of revisions, and what they need around them."""

    async def open(self) -> None:
        """End what an earlier daemon left behind, and be ready. The ingress is open by now."""

    def starter(self, app: AppSpec) -> Starter:
        """What starts instances of this revision. Raises RuntimeFailure when it has no image that could run here."""

    async def admit(self, app: AppSpec) -> None:
        """The app may have got other names, though no other revision. Raises RuntimeFailure."""

    async def leave(self, app: AppSpec) -> None:
        """The app was deleted, and none of its replicas is left."""

    async def close(self) -> None:
        """Take away all that is not a replica. The replicas have ended by now."""


class ProcessHost:
    """Replicas as child processes. `proxy` is what an environment's replicas have as HTTP_PROXY."""

    def __init__(self, machine: Machine, proxy: Callable[[str], str], servers: Callable[[], dict[str, int]]) -> None:
        self._machine = machine
        self._proxy = proxy
        self._servers = servers

    async def open(self) -> None:
        """Leftovers are the children's, which database servers are among."""

    def starter(self, app: AppSpec) -> ProcessStarter:
        manifest = self._machine.manifest(app.image)
        return ProcessStarter(app, manifest, self._machine, self._proxy(app.environment), self._servers)

    async def admit(self, app: AppSpec) -> None:
        """The ingress knows the names."""

    async def leave(self, app: AppSpec) -> None:
        """Nothing outlives a process replica."""

    async def close(self) -> None:
        """Nothing is kept for process replicas."""
