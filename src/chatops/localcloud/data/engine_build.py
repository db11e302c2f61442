"""Real images: a build that a Docker engine carries out, pushed into the registry that was asked to build.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageBuild. What the engine builds for a
registry stays in it under the registry's name, as its cache, until the registry is deleted, also when the push failed.
A build that fails or is canceled leaves nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
import tarfile
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ..runtime.docker.engine import Engine, EngineGone, EngineRefusal, Login
from ..runtime.spec import RuntimeFailure
from .build import Job
from .dockerfile import BuildError, bases, parse
from .reference import Reference
from .runs import RunLog

_STEP = re.compile(r"Step \d+/\d+ : (.*)")
_RUNNING = re.compile(r" ---> Running in ([0-9a-f]+)")
_MADE = re.compile(r" ---> ([0-9a-f]+)")
_REMOVED = "Removing intermediate container "
_CACHED = " ---> Using cache"


@dataclass(frozen=True)
class Hub:
    """The registries as the engine finds them: `address` is 127.0.0.1:PORT, `login` who pushes."""

    address: str
    login: Callable[[], Login]

    def repository(self, name: Reference) -> str:
        return f"{self.address}/{name.registry.partition('.')[0]}/{name.repository}"


@dataclass
class Steps:
    """What a build's stream tells of its steps: what runs, and what it has made so far."""

    step: str = ""
    container: str | None = None
    made: list[str] = field(default_factory=list)
    _cached: bool = False

    def said(self, line: str) -> None:
        """Take one line; what a step's own command prints is not understood."""
        if self.container:
            if line.startswith(_REMOVED + self.container):
                self.container = None
        elif step := _STEP.match(line):
            self.step, self._cached = step[1].strip(), False
        elif running := _RUNNING.match(line):
            self.container = running[1]
        elif line.startswith(_CACHED):
            self._cached = True
        elif (made := _MADE.match(line)) and not self._cached and not self._pulling:
            self.made.append(made[1])

    @property
    def _pulling(self) -> bool:
        return self.step.upper().startswith("FROM ")

    def refuse(self, why: str) -> BuildError:
        """The error in the words of the step that failed; an image that is not to be had is named."""
        if self._pulling:
            image = self.step.split()[1]
            return BuildError(f"FROM: the engine has no image {image!r} and cannot pull it: {why}")
        return BuildError(f"{self.step}: {why}" if self.step else why)


class EngineBuilder:
    """Builds with an engine: side by side, but one push at a time, so that layers which images share are sent once."""

    def __init__(self, engine: Engine, hub: Hub) -> None:
        self._engine = engine
        self._hub = hub
        self._pushing = asyncio.Lock()
        self._left: set[str] = set()

    async def build(self, job: Job, log: RunLog) -> Mapping[Reference, str]:
        steps, digests = Steps(), dict[Reference, str]()
        await self._remove_containers()
        await self._fetch_bases(job, log)
        try:
            image = await self._make(job, log, steps)
            for name in job.names:
                digests[name] = await self._push(image, name, log)
        except (BuildError, asyncio.CancelledError):
            await self._clear(steps)
            raise
        except ConnectionError:
            # what is done serves the next build as its cache; a dead engine leaves the step's container
            self._left |= {steps.container} if steps.container else set()
            raise
        if not digests:
            await self._clear(steps)
        return digests

    async def _fetch_bases(self, job: Job, log: RunLog) -> None:
        """Give the engine what FROM names of our registries, under their own names, which lead nowhere from there."""
        for base in await asyncio.to_thread(_bases, job):
            name = Reference.parse(base)
            if not name.on_azure or name.version.startswith("sha256:"):
                continue
            here = f"{self._hub.repository(name)}:{name.version}"
            try:
                await self._engine.pull(here, self._hub.login())
                await self._engine.tag(here, f"{name.registry}/{name.repository}", name.version)
            except EngineRefusal as refusal:
                log.say(f"{base} is in none of this local cloud's registries: {refusal}")
            except EngineGone as gone:
                raise ConnectionError(str(gone)) from gone

    async def _make(self, job: Job, log: RunLog, steps: Steps) -> str:
        params = {
            "dockerfile": job.dockerfile,
            "buildargs": json.dumps(dict(job.arguments)),
            "platform": job.platform,
            "target": job.target,
            "nocache": str(int(not job.cached)),
            "rm": "1",
            "forcerm": "1",
        }
        tar, image = {"Content-Type": "application/x-tar"}, None
        with job.context.open("rb") as context:
            async with self._telling("/build", params, data=context, headers=tar) as messages:
                async for message in messages:
                    _note(message, steps, log)
                    image = (message.get("aux") or {}).get("ID", image)
        if image is None:
            raise ConnectionError("the Docker engine broke off the build")
        return str(image)

    async def _push(self, image: str, name: Reference, log: RunLog) -> str:
        repository, digest = self._hub.repository(name), None
        params, headers = {"tag": name.version}, self._hub.login().header()
        async with self._pushing, self._telling(f"/images/{repository}/push", params, headers=headers) as messages:
            await self._engine.tag(image, repository, name.version)
            async for message in messages:
                if "error" in message:
                    raise BuildError(f"pushing {name.repository}:{name.version}: {_one_line(message['error'])}")
                if message.get("id") and not message.get("progressDetail"):
                    log.say(f"{message['id']}: {message['status']}")
                digest = (message.get("aux") or {}).get("Digest", digest)
        if digest is None:
            raise ConnectionError("the Docker engine broke off the push")
        return str(digest)

    @asynccontextmanager
    async def _telling(
        self, path: str, params: dict[str, str], **request: Any
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The messages of a long work, which ends with this context; the engine's failures become those of a build."""
        try:
            async with aclosing(self._engine.told(path, params, **request)) as messages:
                yield messages
        except EngineGone as gone:
            raise ConnectionError(str(gone)) from gone
        except EngineRefusal as refusal:
            raise BuildError(str(refusal)) from refusal

    async def _clear(self, steps: Steps) -> None:
        """Take away what a build has made that came to nothing."""
        with suppress(RuntimeFailure):
            if steps.container:
                await self._engine.remove(steps.container)
                # a build that is broken off removes it as well, and until it is gone its image is held
                await self._engine.removed(steps.container)
            for made in reversed(steps.made):
                found = await self._engine.image(made)
                if found and not found["RepoTags"]:
                    await self._engine.remove_image(made, parents=False)

    async def _remove_containers(self) -> None:
        """What an engine that died had running for a build is there again when it is back."""
        while self._left:
            container = self._left.pop()
            with suppress(RuntimeFailure):
                await self._engine.remove(container)

    async def forget(self, names: Sequence[Reference]) -> None:
        with suppress(RuntimeFailure):
            for name in names:
                await self._engine.remove_image(f"{self._hub.repository(name)}:{name.version}")
                await self._engine.remove_image(f"{name.registry}/{name.repository}:{name.version}")


def _bases(job: Job) -> list[str]:
    """What FROM names. What is wrong with context or Dockerfile is the engine's to say."""
    try:
        with tarfile.open(job.context) as archive:
            for entry in archive:
                if PurePosixPath(entry.name) == PurePosixPath(job.dockerfile) and (file := archive.extractfile(entry)):
                    return bases(parse(file.read().decode(errors="replace")), job.arguments)
    except (tarfile.TarError, EOFError, OSError, zlib.error, BuildError):
        pass
    return []


def _note(message: Mapping[str, Any], steps: Steps, log: RunLog) -> None:
    """Write what a build says; raise BuildError when that is why it failed."""
    if "error" in message:
        raise steps.refuse(_one_line(message["error"]))
    if "stream" in message:
        log.write(str(message["stream"]).encode())
        steps.said(str(message["stream"]))
    elif "status" in message and not message.get("progressDetail"):
        log.say(f"{message['id']}: {message['status']}" if message.get("id") else str(message["status"]))


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())
