"""The runtime of the local cloud on one machine: replicas, an ingress, PostgreSQL servers, images.

`home` holds what must survive a restart, `cache` what may be made again (virtual environments), `logs` what replicas
and servers wrote.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..data.build import Builder, Builds
from ..data.engine_build import EngineBuilder, Hub
from ..data.images import ImageStore, Reference
from ..data.process_build import ProcessBuilder
from ..data.venvs import Venvs
from .apps import App
from .contract import Terminal
from .docker.containers import Source
from .docker.engine import Engine
from .docker.host import DockerHost
from .hosts import LEFTOVER_GRACE, Host, ProcessHost
from .ingress import Ingress
from .instances import Machine, Starter
from .logs import AppLogs
from .ports import Ports
from .processes import Children
from .routes import Routes
from .scaler import Clock, LocalClock
from .servers import Servers
from .spec import LATEST, Activity, AppSpec, AppStatus, CustomDomain, RuntimeFailure, Share
from .tally import Tally


@dataclass(frozen=True)
class Docker:
    """Replicas are to be containers of this engine, which finds an app's image by `source` and registries by `hub`."""

    engine: Engine
    source: Callable[[ImageStore, str], Source]
    hub: Hub | None = None


class LocalRuntime:
    """Implements `contract.Runtime`. `images` and `builds` are the data planes that share its state.

    Replicas are processes, or containers where it is given an engine.
    """

    def __init__(
        self, home: Path, cache: Path, logs: Path, clock: Clock | None = None, docker: Docker | None = None
    ) -> None:
        for folder in (home, cache, logs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._children = Children(home / "children")
        self.images = ImageStore(home / "images")
        venvs = Venvs(cache / "venvs", self._children)
        builder: Builder = ProcessBuilder(self.images, venvs)
        if docker and docker.hub:
            builder = EngineBuilder(docker.engine, docker.hub)
        self.builds = Builds(builder, home / "builds")
        self._servers = Servers(home / "postgres", logs, self._children)
        self._routes = Routes()
        self._ingress = Ingress(self._routes, home / "ingress.json")
        machine = Machine(self.images, venvs, self._children, Ports(), cache / "homes")
        self._host: Host = ProcessHost(machine, self._ingress.proxy_url, self._servers.ports)
        if docker:
            source = partial(docker.source, self.images)
            self._host = DockerHost(docker.engine, home, source, self._ingress.admit, self._servers.ports)
        self._running: dict[tuple[str, str], str | None] = {}  # (app, revision) -> image digest
        self._logs_folder = logs
        self._logs: dict[str, AppLogs] = {}
        self._clock = clock or LocalClock()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def start(self) -> None:
        await self._children.end_leftovers(LEFTOVER_GRACE)
        await asyncio.to_thread(self.images.sweep, set())
        await self._ingress.open()
        await self._host.open()

    async def stop(self) -> None:
        """External apps drain first, so that what they still ask of the internal ones is answered."""
        await self._ingress.close_external()
        await self.builds.stop()
        apps = list(self._routes.apps.values())
        for external in (True, False):
            await asyncio.gather(*(app.stop() for app in apps if app.spec.external is external))
        self._routes.apps.clear()
        await self._host.close()
        await self._ingress.close()
        await self._servers.stop()

    async def put_server(self, server: str, version: str, admin: str, password: str | None) -> str:
        return await self._servers.put(server, version, admin, password)

    async def stop_server(self, server: str) -> None:
        await self._servers.stop_one(server)

    async def delete_server(self, server: str) -> None:
        await self._servers.delete(server)

    async def put_database(self, server: str, name: str) -> None:
        await self._servers.put_database(server, name)

    async def delete_database(self, server: str, name: str) -> None:
        await self._servers.delete_database(server, name)

    async def put_app(self, app: AppSpec) -> None:
        async with self._locks[app.id]:
            known = self._app(app)
            known.adopt(app)
            if list(known.revisions) == [app.revision] and known.revisions[app.revision].proved:
                known.set_traffic(LATEST)
                await self._host.admit(app)
                return
            await known.deploy(app, self._starter(app))

    async def put_revision(self, app: AppSpec) -> None:
        known = self._app(app)
        known.adopt(app)
        if app.revision not in known.revisions:
            known.begin(app, self._starter(app))

    def end_revision(self, app: str, revision: str) -> None:
        if known := self._routes.apps.get(app):
            known.end(revision)

    def restart_revision(self, app: str, revision: str) -> None:
        known = self._routes.apps.get(app)
        if known and (found := known.revisions.get(revision)):
            found.restart()

    def set_traffic(self, app: str, traffic: tuple[Share, ...]) -> None:
        if known := self._routes.apps.get(app):
            known.set_traffic(traffic)

    def _starter(self, app: AppSpec) -> Starter:
        starter = self._host.starter(app)
        self._running[app.id, app.revision] = self.image_digest(app.image)
        return starter

    def _app(self, spec: AppSpec) -> App:
        if spec.id not in self._routes.apps:
            self._host.starter(spec)  # an app without an image is none
            self._routes.apps[spec.id] = App(spec, self._logs_of(spec.name), self._clock)
        return self._routes.apps[spec.id]

    def set_domains(self, app: str, domains: tuple[CustomDomain, ...]) -> None:
        self._routes.domains[app] = domains

    def put_certificate(self, certificate: str, pem: str) -> None:
        self._ingress.certificates.put(certificate, pem)

    def delete_certificate(self, certificate: str) -> None:
        self._ingress.certificates.delete(certificate)

    def set_challenge(self, host: str, token: str | None) -> None:
        if token is None:
            self._routes.challenges.pop(host, None)
        else:
            self._routes.challenges[host] = token

    async def delete_app(self, app: str) -> None:
        self._routes.domains.pop(app, None)
        if known := self._routes.apps.pop(app, None):
            await known.stop()
            await self._host.leave(known.spec)

    def app_status(self, app: str) -> AppStatus | None:
        known = self._routes.apps.get(app)
        return known.status if known else None

    def activity(self) -> list[Activity]:
        return [app.activity() for app in self._routes.apps.values()]

    def tally(self, app: str) -> Tally | None:
        known = self._routes.apps.get(app)
        return known.tally if known else None

    async def exec(self, app: str, replica: str, argv: Sequence[str]) -> Terminal:
        known = self._routes.apps.get(app)
        sets = [revision.replica_set for revision in known.revisions.values()] if known else []
        for found in (one for replicas in sets for one in replicas.replicas if one.name == replica):
            return await found.exec(argv)
        raise RuntimeFailure("ClusterExecFailure", f"there is no replica '{replica}'")

    def logs(self, app: str, replica: str | None, tail: int, follow: bool) -> AsyncIterator[bytes]:
        return self._logs_of(app.rsplit("/", 1)[-1]).read(replica, tail, follow)

    def _logs_of(self, name: str) -> AppLogs:
        return self._logs.setdefault(name, AppLogs(self._logs_folder / name))

    def image_digest(self, reference: str) -> str | None:
        return self.images.resolve(Reference.parse(reference))

    def registry_size(self, login_server: str) -> int:
        return self.images.size(login_server)

    async def delete_registry(self, login_server: str) -> None:
        self.images.delete_registry(login_server)
        await self.builds.delete_registry(login_server)
        await self.collect_garbage()

    async def collect_garbage(self) -> None:
        """Remove from disk the images that no registry names and no revision runs, and uploads that were given up."""
        revisions = {(id, name) for id, app in self._routes.apps.items() for name in app.revisions}
        self._running = {revision: digest for revision, digest in self._running.items() if revision in revisions}
        self.images.blobs.drop_idle()
        await asyncio.to_thread(self.images.sweep, {digest for digest in self._running.values() if digest})

    @property
    def ingress_url(self) -> str:
        return f"http://127.0.0.1:{self._ingress.external_port}"

    @property
    def ingress_tls_url(self) -> str:
        return f"https://127.0.0.1:{self._ingress.tls_port}"
