"""Whether an engine can run the local cloud's replicas: tried, not guessed from its name or version.

It must run on this machine and share its network: pull from the registry on loopback, mount a folder with a unix socket
in it, and have containers that the ingress reaches at their own addresses. A virtual machine, as with Docker Desktop,
or a rootless engine fails one of these.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from pathlib import Path

from ..spec import RuntimeFailure
from .doors import Door, Plan, Porch, Site
from .engine import Engine, EngineGone, EngineRefusal
from .labels import Owner
from .leftovers import sweep

DEFAULT = "/var/run/docker.sock"
_CONNECT = 5.0  # seconds to reach a container
_UNIX = "unix://"


def socket_path() -> str | None:
    """The socket of DOCKER_HOST or the usual one; None when DOCKER_HOST names something else."""
    named = os.environ.get("DOCKER_HOST") or _UNIX + DEFAULT
    return named.removeprefix(_UNIX) if named.startswith(_UNIX) else None


async def objection(path: str | None) -> str | None:
    """In one line why the engine at this socket cannot be used; None when it can."""
    if not sys.platform.startswith("linux"):
        return "containers are reached at their own addresses on Linux only"
    if path is None:
        return f"DOCKER_HOST is {os.environ['DOCKER_HOST']}, not the unix socket of an engine on this machine"
    engine = Engine(path)
    try:
        await engine.version()
        if not await _reaches_loopback(engine):
            return f"the Docker engine at {path} does not reach 127.0.0.1 of this machine, where its registry would be"
        return await _containers(engine)
    except RuntimeFailure as failure:  # an engine that is there may keep us out: its permissions say so
        absent = isinstance(failure, EngineGone) and not Path(path).exists()
        return f"no Docker engine answers at {path}" if absent else str(failure)
    finally:
        await engine.close()


async def _reaches_loopback(engine: Engine) -> bool:
    """Have the engine ask a registry on loopback for an image, and see whether it comes."""
    asked = asyncio.Event()

    async def seen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        writer.close()

    server = await asyncio.start_server(seen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        await engine.call("GET", f"/distribution/127.0.0.1:{port}/chatops/trial/json")
    except EngineRefusal:
        pass  # no such image: whether it asked is what counts
    finally:
        server.close()
    return asked.is_set()


async def _containers(engine: Engine) -> str | None:
    """Open a door in a network of its own and knock at it from here."""
    with tempfile.TemporaryDirectory(prefix="chatops-") as folder:
        owner = Owner(Path(folder))
        network = owner.name("trial")
        porch = Porch(Path(folder))
        porch.open()
        try:
            await engine.make_network(network, owner.labels)
            door = Door(Plan(network, ("trial",), 80, _serve), engine, porch, owner)
            try:
                await door.opened()
                return await _knock(engine, door)
            finally:
                await door.close()
        finally:
            await porch.close()
            await sweep(engine, owner, 0)


async def _knock(engine: Engine, door: Door) -> str | None:
    address = await door.address()
    try:
        async with asyncio.timeout(_CONNECT):
            _, writer = await asyncio.open_connection(address, 80)
    except OSError as error:  # TimeoutError is one
        return f"containers of the Docker engine at {engine.socket} are not reached at {address}: {error or 'silence'}"
    writer.close()
    return None


async def _serve(listening: socket.socket) -> Site:
    return _Closed(listening)


class _Closed:
    """Nobody: the kernel alone answers the knock."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening

    async def stop(self) -> None:
        self._listening.close()
