"""Doors: how a name of an environment's network, say `db-api` or a database's host name, leads to the local cloud.

A door is a container in that network which has the name as an alias. All it does is to listen at the port and to hand
the listening socket over (SCM_RIGHTS, through a unix socket in a mounted folder). A socket stays in the network where
it was made: the daemon then accepts the replicas' connections itself, and nothing is relayed or listens outside.

Its image is empty. Its program is this machine's Python, mounted read-only with the system's libraries: nothing has to
be pulled, and a port below 1024 needs no root here. It ends by itself when the daemon does, and is started again when
it was ended by somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import socket
import sys
import tarfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ...tasks import beside
from ..spec import RuntimeFailure
from .engine import Body, Engine
from .labels import Owner

log = logging.getLogger(__name__)

IMAGE = "chatops/door:1"
OPENING_LIMIT = 60.0  # seconds
RETRY = 1.0  # seconds until a door that closed is opened again
_SYSTEM = ("/usr", "/lib", "/lib64", "/nix/store")  # where an interpreter's libraries may lie
_PROGRAM = Path(__file__).with_name("door.py")


class Site(Protocol):
    """What serves an accepted socket."""

    async def stop(self) -> None: ...


Serve = Callable[[socket.socket], Awaitable[Site]]
Handed = tuple[socket.socket, socket.socket]  # a door's listening socket, and the connection that it came through


@dataclass(frozen=True)
class Plan:
    """A door: the network it stands in, the names it answers to there, the port, and who serves what comes in."""

    network: str
    names: tuple[str, ...]
    port: int
    serve: Serve

    @property
    def key(self) -> str:
        return self.key_of(self.network, self.names[0])

    @staticmethod
    def key_of(network: str, name: str) -> str:
        """The name of the door's container: unique on the engine, as its network's name is."""
        return f"{network}-{name}"


class Porch:
    """The unix socket where doors report, in a folder of its own that is mounted into each."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._expected: dict[str, asyncio.Future[Handed]] = {}
        self._arrivals: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.directory / "socket").unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX)
        folder = os.open(self.directory, os.O_PATH)
        self._listening.bind(f"/proc/self/fd/{folder}/socket")  # its own path may be too long for an address
        os.close(folder)
        self._listening.listen()
        self._listening.setblocking(False)
        self._accepting = asyncio.create_task(self._accept())

    async def close(self) -> None:
        for task in (self._accepting, *self._arrivals):
            task.cancel()
        await asyncio.gather(self._accepting, *self._arrivals, return_exceptions=True)
        self._listening.close()
        (self.directory / "socket").unlink(missing_ok=True)

    async def _accept(self) -> None:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(self._listening)
            task = asyncio.create_task(self._arrive(connection))
            self._arrivals.add(task)
            task.add_done_callback(self._arrivals.discard)

    async def _arrive(self, connection: socket.socket) -> None:
        await _readable(connection)
        try:
            name, descriptors, _, _ = socket.recv_fds(connection, 1024, 1)
        except OSError:
            name, descriptors = b"", []
        expected = self._expected.pop(name.decode(errors="replace"), None)
        if descriptors and expected and not expected.done():
            listening = socket.socket(fileno=descriptors[0])
            listening.setblocking(False)
            expected.set_result((listening, connection))
            return
        for descriptor in descriptors:
            os.close(descriptor)
        connection.close()

    def expect(self, key: str) -> asyncio.Future[Handed]:
        """The listening socket of the door `key`, and the connection that lasts as long as the door."""
        found = self._expected[key] = asyncio.get_running_loop().create_future()
        return found


async def _readable(connection: socket.socket) -> None:
    loop, seen = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(connection, seen.set)
    try:
        await seen.wait()
    finally:
        loop.remove_reader(connection)


class Door:
    """One door, kept open until `close`."""

    def __init__(self, plan: Plan, engine: Engine, porch: Porch, owner: Owner) -> None:
        self._plan = plan
        self._engine = engine
        self._porch = porch
        self._owner = owner
        self._name = plan.key
        self.names = plan.names
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeping = beside(self._keep(), f"door {self._name}")

    @property
    def failed(self) -> bool:
        """Whether it could not be opened at all."""
        return self._keeping.done()

    async def opened(self) -> None:
        """Wait until it was open once. Raises RuntimeFailure when the engine will not have it."""
        await asyncio.shield(self._opened)

    async def address(self) -> str:
        """Its address in its network."""
        found = await self._engine.container(self._name)
        if found is None:
            raise RuntimeFailure("ContainerAppOperationError", f"the container {self._name} ended at once")
        return str(found["NetworkSettings"]["Networks"][self._plan.network]["IPAddress"])

    async def _keep(self) -> None:
        while True:
            try:
                await self._stand()
            except (RuntimeFailure, OSError) as failure:
                log.warning("door %s: %s", self._name, failure)
                if not self._opened.done():
                    self._opened.set_exception(_failure(failure))
                    return
            await asyncio.sleep(RETRY)

    async def _stand(self) -> None:
        """Once from its opening to its end."""
        expected = self._porch.expect(self._name)
        await make_image(self._engine)
        await self._engine.remove(self._name)
        await self._engine.run(self._name, self._body())
        listening, lifeline = await self._handed_over(expected)
        with lifeline:
            site = await self._plan.serve(listening)
            if not self._opened.done():
                self._opened.set_result(None)
            try:
                with contextlib.suppress(OSError):
                    await asyncio.get_running_loop().sock_recv(lifeline, 1)
            finally:
                await site.stop()

    async def _handed_over(self, expected: asyncio.Future[Handed]) -> Handed:
        ended = asyncio.create_task(self._engine.exit_code(self._name))
        either: list[asyncio.Future[Any]] = [expected, ended]
        try:
            await asyncio.wait(either, timeout=OPENING_LIMIT, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            await asyncio.gather(ended, return_exceptions=True)
        if not expected.done():
            text = f"the container {self._name} could not hand its listening socket to this machine's {sys.executable}"
            raise RuntimeFailure("ContainerAppOperationError", text)
        return expected.result()

    def _body(self) -> Body:
        interpreter = Path(sys.executable).resolve()
        folders = dict.fromkeys(place for place in (*_SYSTEM, sys.base_prefix) if Path(place).is_dir())
        binds = [f"{place}:{place}:ro" for place in folders]
        return {
            "Image": IMAGE,
            "Cmd": [str(interpreter), "-I", "-S", "-c", _PROGRAM.read_text(), self._name, str(self._plan.port)],
            "User": f"{os.getuid()}:{os.getgid()}",
            "Labels": self._owner.labels | {"chatops.door": self._plan.names[0]},
            "HostConfig": {
                "AutoRemove": True,
                "Binds": [*binds, f"{self._porch.directory}:/chatops"],
                "CapDrop": ["ALL"],
                "SecurityOpt": ["no-new-privileges", "label=disable"],
                "NetworkMode": self._plan.network,
                "Sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"},
            },
            "NetworkingConfig": {"EndpointsConfig": {self._plan.network: {"Aliases": list(self._plan.names)}}},
        }

    async def close(self) -> None:
        self._keeping.cancel()
        await asyncio.gather(self._keeping, return_exceptions=True)
        with contextlib.suppress(RuntimeFailure):
            await self._engine.remove(self._name)


def _failure(error: RuntimeFailure | OSError) -> RuntimeFailure:
    return error if isinstance(error, RuntimeFailure) else RuntimeFailure("ContainerAppOperationError", str(error))


async def make_image(engine: Engine) -> None:
    """The doors' image, when the engine does not have it: empty, since everything is mounted."""
    if await engine.image(IMAGE) is None:
        empty = io.BytesIO()
        tarfile.open(fileobj=empty, mode="w").close()
        await engine.import_files(IMAGE, empty.getvalue())
