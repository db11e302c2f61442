"""Replicas as containers: from the image's digest, in their environment's network, held to the app's cpu and memory.

What a container finds is what Azure gives it: no port is published, `http://<app>` and the database's host name resolve
in its network. The image's HEALTHCHECK is not run: Container Apps has probes of its own. Secrets travel to the engine
in the body of a request over its socket, and lie in its memory and root's files as long as the container.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..contract import Terminal
from ..environment import azure_variables
from ..instances import exit_text
from ..logs import LogFile
from ..pgbinaries import HAS_TLS
from ..spec import AppSpec, RuntimeFailure
from ..usage import Usage
from .engine import Body, Engine, Login
from .environments import Environments
from .labels import Owner
from .terminals import open_terminal

log = logging.getLogger(__name__)

GIB = 2**30
KILLED = 137  # a shell's way to say SIGKILL, as the engine does
LONGEST_HOST_NAME = 63
_LOGS = {"Type": "json-file", "Config": {"max-size": "8m", "max-file": "2"}}


class ContainerInstance:
    """A running container."""

    limited = True

    def __init__(self, engine: Engine, found: Body, app: AppSpec, log_file: LogFile) -> None:
        self._engine = engine
        self._container = str(found["Id"])
        self._memory = app.memory_gib
        self._orders: set[asyncio.Task[None]] = set()
        (network,) = found["NetworkSettings"]["Networks"].values()
        self.address = (str(network["IPAddress"]), app.port)
        self.pid: int | None = found["State"]["Pid"] or None
        self.id = f"docker://{self._container}"
        self._output = asyncio.create_task(engine.follow(self._container, log_file.write))

    async def usage(self) -> Usage | None:
        try:
            return await self._engine.usage(self._container)
        except RuntimeFailure:
            return None

    async def wait(self) -> str:
        try:
            code = await self._engine.exit_code(self._container)
            await asyncio.gather(self._output, return_exceptions=True)
            found = await self._engine.container(self._container)
            await self._engine.remove(self._container)
        except RuntimeFailure as failure:  # the engine is gone, or somebody else removed the container
            return str(failure)
        finally:
            self._output.cancel()
        if found and found["State"]["OOMKilled"] and code == KILLED:
            return f"OOMKilled: it needed more than its {self._memory:g} GiB of memory"
        return exit_text(128 - code if 128 < code < 160 else code)

    def terminate(self) -> None:
        self._order("SIGTERM")

    def kill(self) -> None:
        self._order("SIGKILL")

    async def exec(self, argv: Sequence[str]) -> Terminal:
        return await open_terminal(self._engine, self._container, argv)

    def _order(self, signal: str) -> None:
        task = asyncio.create_task(self._send(signal))
        self._orders.add(task)
        task.add_done_callback(self._orders.discard)

    async def _send(self, signal: str) -> None:
        try:
            await self._engine.signal(self._container, signal)
        except RuntimeFailure as failure:
            log.warning("%s for container %s: %s", signal, self._container[:12], failure)


@dataclass(frozen=True)
class Source:
    """Where an image is pulled from: `<registry>/<repository>@sha256:...` as the engine writes it, and as whom."""

    name: str
    login: Login | None = None


@dataclass(frozen=True)
class ContainerStarter:
    """Starts containers of one revision; an image that was removed from the engine is pulled again."""

    app: AppSpec
    engine: Engine
    owner: Owner
    environments: Environments
    source: Callable[[], Source]

    async def prepare(self) -> None:
        await asyncio.gather(self._image(), self.environments.settle(self.app))

    async def _image(self) -> str:
        source = self.source()
        if await self.engine.image(source.name) is None:
            await self.engine.pull(source.name, source.login)
        return source.name

    async def start(self, replica: str, log: LogFile) -> ContainerInstance:
        image, network = await asyncio.gather(self._image(), self.environments.settle(self.app))
        name = self.owner.name(replica)
        await self.engine.remove(name)  # left where the engine went away
        id = await self.engine.run(name, self._body(replica, image, network))
        found = await self.engine.container(id)
        if found is None:
            raise RuntimeFailure("ContainerAppOperationError", f"container {name} was removed while it started")
        return ContainerInstance(self.engine, found, self.app, log)

    def _body(self, replica: str, image: str, network: str) -> Body:
        memory = int(self.app.memory_gib * GIB)
        return {
            "Image": image,
            "Hostname": replica[:LONGEST_HOST_NAME],
            "Env": [f"{name}={value}" for name, value in self._environment(replica).items()],
            "Labels": self.owner.labels | {"chatops.app": self.app.name, "chatops.revision": self.app.revision},
            "Healthcheck": {"Test": ["NONE"]},
            "HostConfig": {
                "NetworkMode": network,
                "NanoCpus": int(self.app.cpu * 1e9),
                "Memory": memory,
                "MemorySwap": memory,  # in all: no swap beside the memory
                "LogConfig": _LOGS,
            },
        }

    def _environment(self, replica: str) -> dict[str, str]:
        """The app's own settings, Azure's variables, and that the local database server has no TLS."""
        plain = {} if HAS_TLS else {"PGSSLMODE": "disable"}
        return self.app.env | azure_variables(self.app, replica, self.app.port) | plain
