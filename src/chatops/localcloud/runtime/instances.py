"""One running instance of a replica, and how it is started: here as a process, from a process image.

A process has no limits of its own: `cpu` and `memory_gib` of an app are what Azure would enforce; here they are shown,
not enforced (`ReplicaInfo.limited` says so). Files are shared too: replicas of one image run in the same folder, where
a container would have a layer of its own.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..data.dockerfile import BuildError
from ..data.images import PROCESS_IMAGE, ImageStore, Manifest, Reference
from ..data.process_build import installs_of
from ..data.stage import locate
from ..data.venvs import Venvs
from .contract import Terminal
from .environment import Place, database_of, relocated, replica_environment
from .logs import LogFile, pump
from .ports import Ports
from .processes import Children, Command, send
from .spec import AppSpec, RuntimeFailure
from .terminals import open_terminal
from .usage import Usage, of_process

Enter = Callable[[Sequence[str]], Awaitable[Terminal]]


class Instance(Protocol):
    """What runs under a replica's name at one time; after an exit the replica gets another."""

    @property
    def pid(self) -> int | None: ...

    @property
    def id(self) -> str:
        """What it is and which: `process://<pid>`, `docker://<container>`."""

    @property
    def address(self) -> tuple[str, int]: ...

    @property
    def limited(self) -> bool:
        """Whether cpu and memory are held to what the app was given."""

    async def usage(self) -> Usage | None:
        """The cpu and memory that it uses, measured; None when that cannot be had now."""

    async def wait(self) -> str:
        """Why it ended, when it has ended and nothing of it is left."""

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    async def exec(self, argv: Sequence[str]) -> Terminal:
        """Run a command beside it, in its surroundings, on a terminal. Raises RuntimeFailure, OSError: it cannot be."""


class Starter(Protocol):
    """Starts instances of one revision."""

    async def prepare(self) -> None:
        """Do now what would make the first start slow. Raises RuntimeFailure."""

    async def start(self, replica: str, log: LogFile) -> Instance:
        """Raises RuntimeFailure when there is nothing to start, OSError when the machine refuses."""


class ProcessInstance:
    """A child process on a port of its own."""

    limited = False

    def __init__(self, process: asyncio.subprocess.Process, port: int, enter: Enter, ended: Callable[[], None]) -> None:
        self._process = process
        self._enter = enter
        self._ended = ended
        self._output: asyncio.Task[None] | None = None
        self.id = f"process://{process.pid}"
        self.address = ("127.0.0.1", port)

    def log_to(self, log: LogFile) -> None:
        assert self._process.stdout is not None  # noqa: S101
        self._output = asyncio.create_task(pump(self._process.stdout, log))

    @property
    def pid(self) -> int | None:
        return self._process.pid

    async def usage(self) -> Usage | None:
        return await asyncio.to_thread(of_process, self._process.pid)

    async def wait(self) -> str:
        code = await self._process.wait()
        self._ended()
        if self._output:
            await self._output
        return exit_text(code)

    def terminate(self) -> None:
        send(self._process, signal.SIGTERM)

    def kill(self) -> None:
        send(self._process, signal.SIGKILL)

    async def exec(self, argv: Sequence[str]) -> Terminal:
        return await self._enter(argv)


def exit_text(code: int) -> str:
    """An exit code in words; a negative one is a signal."""
    return f"killed by signal {-code}" if code < 0 else f"exited with code {code}"


@dataclass(frozen=True)
class Machine:
    """What process replicas share: images, environments, children, ports, and a folder for their homes."""

    images: ImageStore
    venvs: Venvs
    children: Children
    ports: Ports
    homes: Path

    def manifest(self, reference: str) -> Manifest:
        """Raises RuntimeFailure when the registry has no such image."""
        digest = self.images.resolve(Reference.parse(reference))
        manifest = self.images.manifest(digest) if digest else None
        if manifest is None:
            raise RuntimeFailure("InvalidParameterValueInContainerTemplate", f"image {reference!r} was not found")
        if manifest.get("mediaType") != PROCESS_IMAGE:
            text = (
                f"image {reference!r} was built by an engine, and this local cloud runs processes: build it with "
                "images.builder: registry, or start over with chatops cloud reset and cloud start --runtime docker"
            )
            raise RuntimeFailure("InvalidParameterValueInContainerTemplate", text)
        return manifest


@dataclass(frozen=True)
class ProcessStarter:
    """Starts processes of one revision; the virtual environment is rebuilt when it was removed from the cache."""

    app: AppSpec
    manifest: Manifest
    machine: Machine
    proxy: str
    servers: Callable[[], dict[str, int]]

    async def prepare(self) -> None:
        await self._venv()

    async def _venv(self) -> Path:
        root = self.machine.images.files(self.manifest)
        try:
            return await self.machine.venvs.ensure(root, installs_of(self.manifest), lambda _: None)
        except (BuildError, OSError) as error:
            raise RuntimeFailure("ContainerAppOperationError", str(error)) from error

    async def start(self, replica: str, log: LogFile) -> ProcessInstance:
        venv, port = await self._venv(), self.machine.ports.take()
        try:
            return await self._spawn(replica, log, venv, port)
        except (RuntimeFailure, OSError):
            self.machine.ports.give_back(port)
            raise

    async def _spawn(self, replica: str, log: LogFile, venv: Path, port: int) -> ProcessInstance:
        home = self.machine.homes / self.app.name
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = database_of(self.app.env, self.servers())
        place = Place(replica, port, str(home), str(venv / "bin"), self.proxy, database)
        config, children = self.manifest["config"], self.machine.children
        process = await children.spawn(self._command([*config["Entrypoint"], *config["Cmd"]], place))

        async def enter(argv: Sequence[str]) -> Terminal:
            return await open_terminal(children, self._command(argv, place))

        def ended() -> None:
            children.forget(process.pid)
            self.machine.ports.give_back(port)

        instance = ProcessInstance(process, port, enter, ended)
        instance.log_to(log)
        return instance

    def _command(self, words: Sequence[str], place: Place) -> Command:
        root, config = self.machine.images.files(self.manifest), self.manifest["config"]

        def real(path: str) -> str | None:
            found = locate(root, path) if re.match("/[^/]", path) else None
            return str(found) if found and found.exists() else None

        configured = config["Env"] | self.app.env
        configured = dict(zip(configured, relocated(configured.values(), real), strict=True))
        env = replica_environment(self.app, configured, place)
        argv = relocated(words, real)
        if not argv:
            raise RuntimeFailure("ContainerAppOperationError", "the image has no CMD or ENTRYPOINT: nothing would run")
        program = shutil.which(argv[0], path=env["PATH"])
        if program is None:
            raise RuntimeFailure("ContainerAppOperationError", f"{argv[0]}: not found on this machine")
        return Command([program, *argv[1:]], locate(root, config["WorkingDir"]), env)
