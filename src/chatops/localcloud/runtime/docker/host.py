"""The engine as a host of replicas."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..hosts import LEFTOVER_GRACE
from ..spec import AppSpec
from .containers import ContainerStarter, Source
from .doors import Porch
from .engine import Engine, EngineGone
from .environments import Admit, Environments, Servers
from .labels import Owner
from .leftovers import sweep

log = logging.getLogger(__name__)


class DockerHost:
    """Replicas as containers, for the local cloud in `home`. `source` says where the engine finds an app's image."""

    def __init__(
        self, engine: Engine, home: Path, source: Callable[[str], Source], admit: Admit, servers: Servers
    ) -> None:
        self.engine = engine
        self._owner = Owner(home)
        self._source = source
        self._porch = Porch(home / "doors")
        self._environments = Environments(engine, self._owner, self._porch, admit, servers)

    async def open(self) -> None:
        self._porch.open()
        try:
            await self._environments.clear()
        except EngineGone as gone:
            log.warning("%s; replicas start when it does", gone)

    def starter(self, app: AppSpec) -> ContainerStarter:
        self._source(app.image)
        return ContainerStarter(app, self.engine, self._owner, self._environments, partial(self._source, app.image))

    async def admit(self, app: AppSpec) -> None:
        await self._environments.settle(app)

    async def leave(self, app: AppSpec) -> None:
        await self._environments.leave(app)

    async def close(self) -> None:
        await self._environments.close()
        await self._porch.close()
        try:
            await sweep(self.engine, self._owner, LEFTOVER_GRACE)
        except EngineGone as gone:
            log.warning("%s; what it runs for this local cloud is removed at the next start", gone)
        await self.engine.close()
