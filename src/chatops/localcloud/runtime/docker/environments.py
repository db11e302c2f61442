"""Managed environments as networks of the engine: in each its apps and every database server, under their own names."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import socket
from asyncio import StreamReader, StreamWriter
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

from ...relay import relay
from ..hosts import LEFTOVER_GRACE
from ..spec import AppSpec, RuntimeFailure
from .doors import Door, Plan, Porch, Serve, Site
from .engine import Engine
from .labels import Owner
from .leftovers import sweep

log = logging.getLogger(__name__)

HTTP = 80
POSTGRESQL = 5432

Admit = Callable[[str, socket.socket], Awaitable[Site]]
Servers = Callable[[], Mapping[str, int]]


class Environments:
    """The networks that apps of this local cloud are in. `admit` serves an environment's apps on a listening socket,
    `servers` says on which port of loopback each database server listens now.
    """

    def __init__(self, engine: Engine, owner: Owner, porch: Porch, admit: Admit, servers: Servers) -> None:
        self._engine = engine
        self._owner = owner
        self._porch = porch
        self._admit = admit
        self._servers = servers
        self._apps: defaultdict[str, dict[str, AppSpec]] = defaultdict(dict)
        self._doors: defaultdict[str, dict[str, Door]] = defaultdict(dict)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._clearing = asyncio.Lock()
        self._cleared = False

    async def clear(self) -> None:
        """Once: end and remove what an earlier daemon left behind."""
        async with self._clearing:
            if not self._cleared:
                await sweep(self._engine, self._owner, LEFTOVER_GRACE)
                self._cleared = True

    async def settle(self, app: AppSpec) -> str:
        """The network that the app belongs to, with every door open that it needs. Raises RuntimeFailure."""
        await self.clear()
        async with self._locks[app.environment]:
            self._apps[app.environment][app.id] = app
            network = await self._network(app.environment)
            doors = self._doors[app.environment]
            await asyncio.gather(*(self._open(doors, plan) for plan in self._plans(network, app)))
        return network

    async def _network(self, environment: str) -> str:
        name = network_name(self._owner, environment)
        labels = self._owner.labels | {"chatops.environment": environment}
        if not await self._engine.networks(labels):
            await self._engine.make_network(name, labels)
        return name

    def _plans(self, network: str, app: AppSpec) -> Iterable[Plan]:
        if app.fqdn:
            yield Plan(network, (app.name, app.fqdn), HTTP, partial(self._admit, app.environment))
        for server in self._servers():
            names = server_names(server, (one.env for one in self._apps[app.environment].values()))
            yield Plan(network, names, POSTGRESQL, self._database(server))

    def _database(self, server: str) -> Serve:
        async def accept(reader: StreamReader, writer: StreamWriter) -> None:
            try:
                inner = await asyncio.open_connection("127.0.0.1", self._servers()[server])
                await relay((reader, writer), inner)
            except (OSError, KeyError):  # the server is down, or deleted: to the client the connection is
                writer.close()

        async def serve(listening: socket.socket) -> Site:
            return _Stream(await asyncio.start_server(accept, sock=listening))

        return serve

    async def _open(self, doors: dict[str, Door], plan: Plan) -> None:
        known = doors.get(plan.key)
        if known and (known.names != plan.names or known.failed):
            await doors.pop(plan.key).close()
        if plan.key not in doors:
            doors[plan.key] = Door(plan, self._engine, self._porch, self._owner)
        await doors[plan.key].opened()

    async def leave(self, app: AppSpec) -> None:
        """The app is gone: its door closes, and with the last app its environment's network goes."""
        async with self._locks[app.environment]:
            apps, doors = self._apps[app.environment], self._doors[app.environment]
            apps.pop(app.id, None)
            network = network_name(self._owner, app.environment)
            gone = [Plan.key_of(network, app.name)] if apps else list(doors)
            await asyncio.gather(*(doors.pop(key).close() for key in gone if key in doors))
            if not apps:
                await self._remove(network)

    async def _remove(self, network: str) -> None:
        try:
            await self._engine.remove_network(network)
        except RuntimeFailure as failure:  # the app is deleted all the same; what stays is swept
            log.warning("the network %s stays for now: %s", network, failure)

    async def close(self) -> None:
        """Close every door."""
        doors = [door for found in self._doors.values() for door in found.values()]
        self._doors.clear()
        await asyncio.gather(*(door.close() for door in doors))


class _Stream:
    """An asyncio server as a site."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server

    async def stop(self) -> None:
        self._server.close()


def network_name(owner: Owner, environment: str) -> str:
    """Its own name and six digits of its ARM id: environments of two groups may share a name."""
    return owner.name(f"{environment.rsplit('/', 1)[-1]}-{hashlib.sha256(environment.encode()).hexdigest()[:6]}")


def server_names(server: str, environments: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """The host names of a database server: its public one, and those below private zones that apps were given."""
    pattern = re.compile(rf"(?<![\w.-]){re.escape(server)}\.(?:[\w-]+\.)*postgres\.database\.azure\.com", re.IGNORECASE)
    found = {name.lower() for env in environments for value in env.values() for name in pattern.findall(value)}
    public = f"{server}.postgres.database.azure.com"
    return (public, *sorted(found - {public}))
