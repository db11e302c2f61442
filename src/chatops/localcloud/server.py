"""The daemon: opens a home, serves until it is told to stop, and says where it answers.

`endpoint.json` is written last of all and removed first: whoever finds it finds a daemon that answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from . import writes
from .app import Front, management_app
from .billing.meter import meter
from .billing.retail import PATH as RETAIL
from .certificates import Certificates
from .control import registry, vaults
from .control.managed_certificates import renew
from .control.power import wake_servers
from .control.registry import Registries
from .control.roles import own
from .control.table import KINDS
from .data.dns import NameServer
from .data.hosted import Names
from .data.keyvault import vault_app
from .data.registry import registry_app
from .data.resolver import Resolver
from .directory import email
from .files import read_whole, write_private
from .home import SETTINGS, Places, listener, name_sockets, settings
from .identity import SignIn, Tokens
from .journal import Calls, Journal
from .limited import Limited
from .operations import Operations
from .proxy import Proxy
from .pulls import hub_at, source
from .replay import replay
from .resource_types import REGISTRY
from .runtime.choice import Choice, choose
from .runtime.docker.engine import Engine
from .runtime.local import Docker, LocalRuntime
from .store import Store
from .tasks import for_ever
from .trouble.connection import Connection
from .trouble.desk import Desk
from .trouble.front import Trouble
from .world import World

log = logging.getLogger(__name__)

KEEP_ALIVE = 120
DRAIN = 1.0
REGISTRY_PATHS = ("/v2/", "/acr/", "/oauth2/")
"""What the management address answers for registries: engines find them at 127.0.0.1:PORT/<registry>/<repository>."""
LASTING = {
    "the renewal of certificates": renew,
    "the look for servers that were stopped for too long": wake_servers,
    "the purge of what was deleted for long enough": vaults.end_retention,
    "metering": meter,
}
"""What goes on for as long as the daemon does, by what the log calls it."""


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handling: the daemon stops it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Daemon:
    """One running local cloud; `trouble` is what its desk is told first, `runtime` the runtime that is asked for."""

    def __init__(self, places: Places, trouble: Mapping[str, Any], runtime: str | None = None) -> None:
        self._places = places
        self._store = Store(places.home / "world.db")
        self._settings = settings(self._store, places.home)
        self._desk = Desk(self._store)
        self._desk.order(trouble)
        self._certificates = Certificates(places.home)
        self._tokens = Tokens(places.home / "token.key", self._settings.tenant)
        self._calls = Calls(places.calls)
        self._asked = runtime
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then stop in order. Raises Unfit for a runtime that cannot be had."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        self._certificates.ensure()
        self._make_secret()
        choice = await self._choose()
        bound, tunnel = listener(self._store, "arm"), listener(self._store, "proxy")
        stream, datagrams = name_sockets(self._store)
        self._runtime = self._make_runtime(choice, bound.getsockname()[1])
        world = self._world(bound.getsockname()[1], Resolver(stream.getsockname()[1]))
        proxy, names = Proxy(bound.getsockname()[1], self._calls), NameServer(Names(world).answer)
        server = self._server(world)
        own(world)
        await world.runtime.start()
        serving = loop.create_task(server.serve(sockets=[bound]))
        await proxy.start(tunnel)
        await names.start(stream, datagrams)
        coming = await replay(world)
        writes.resume(world)
        await self._started(server, serving)
        coming += [loop.create_task(for_ever(partial(work, world), what)) for what, work in LASTING.items()]
        self._announce(world, tunnel.getsockname()[1], choice)
        await asyncio.wait([serving, loop.create_task(self._stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        self._places.endpoint.unlink(missing_ok=True)
        world.closing.set()
        await world.operations.stop(coming)
        world.ledger.flush()
        await proxy.stop()
        await names.stop()
        await self._drain(server)
        await serving
        await world.runtime.stop()
        self._store.close()

    async def _choose(self) -> Choice:
        """Docker or processes; a world with a registry stays with what it has."""
        before, bound = self._store.get(SETTINGS, "runtime"), bool(self._store.records(type=REGISTRY))
        choice = await choose(self._asked, Choice(**before) if before else None, bound)
        self._store.put(SETTINGS, "runtime", choice.kept())
        return choice

    def _make_runtime(self, choice: Choice, port: int) -> LocalRuntime:
        hub = hub_at(port, self._tokens, self._settings.operator)
        docker = Docker(Engine(choice.socket), partial(source, hub), hub) if choice.socket else None
        return LocalRuntime(self._places.home, self._places.cache, self._places.logs, docker=docker)

    def _world(self, port: int, resolver: Resolver) -> World:
        operations = Operations(self._store, self._desk.latency.operation)
        return World(
            settings=self._settings,
            store=self._store,
            operations=operations,
            tokens=self._tokens,
            origin=f"https://127.0.0.1:{port}",
            kinds=KINDS,
            runtime=self._runtime,
            builds=self._runtime.builds,
            desk=self._desk,
            resolver=resolver,
            certificates=self._certificates,
        )

    def _server(self, world: World) -> _Server:
        kept = self._settings
        sign_in = SignIn(world.tokens, kept.tenant, kept.client_id, kept.operator, self._places.secret)
        calls = self._calls
        images = registry_app(self._runtime.images, world.tokens, Registries(world), self._runtime.collect_garbage)
        registries = Journal(Trouble(images, world.desk, "registry"), calls, "registry")
        planes: dict[str, ASGIApp] = {
            f".{vaults.DOMAIN}": Journal(Trouble(Limited(vault_app(world)), world.desk, "vault"), calls, "vault"),
            f".{registry.DOMAIN}": registries,
            **dict.fromkeys(REGISTRY_PATHS, registries),
        }
        front = Front(management_app(world, sign_in, calls), planes)
        config = uvicorn.Config(
            front,
            http=Connection,
            loop="asyncio",
            lifespan="off",
            access_log=False,
            log_config=None,
            ssl_certfile=self._certificates.server,
            ssl_keyfile=self._certificates.server_key,
            timeout_keep_alive=KEEP_ALIVE,
            server_header=False,
            date_header=False,  # ours is that of the clock that may be put ahead
        )
        return _Server(config)

    def _make_secret(self) -> None:
        if not read_whole(self._places.secret):
            write_private(self._places.secret, secrets.token_urlsafe(32))

    async def _started(self, server: _Server, serving: asyncio.Task[None]) -> None:
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)

    async def _drain(self, server: _Server) -> None:
        """Let running requests end; idle keep-alive connections are not waited for."""
        server.should_exit = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN):
                while server.server_state.tasks:
                    await asyncio.sleep(0.02)
        server.force_exit = True

    def _announce(self, world: World, proxy_port: int, choice: Choice) -> None:
        kept = self._settings
        found = {
            "arm": world.origin,
            "registry": world.origin.removeprefix("https://"),
            "active_directory": f"{world.origin}/adfs",
            "ca_file": str(self._certificates.authority),
            "subscription": kept.subscription,
            "tenant": kept.tenant,
            "proxy": f"http://127.0.0.1:{proxy_port}",
            "ingress": world.runtime.ingress_url,
            "ingress_tls": world.runtime.ingress_tls_url,
            "dns": f"127.0.0.1:{world.resolver.port}",
            "prices": f"{world.origin}{RETAIL}",
            "runtime": choice.runtime,
            "runtime_reason": choice.reason,
            "operator_email": email(),
            "client_id": kept.client_id,
            "client_secret_file": str(self._places.secret),
            "pid": os.getpid(),
            "calls": str(self._places.calls),
        }
        write_private(self._places.endpoint, json.dumps(found, indent=1))
        log.info("ready at %s", world.origin)
