"""The registry's build service: an uploaded context becomes an image.

As on Azure: ask for an upload URL, PUT the context there (tar, gzipped or not), schedule a DockerBuildRequest, follow
the run and its log (https://learn.microsoft.com/azure/container-registry/container-registry-tasks-overview). Runs start
at once and side by side. Who builds is another's matter: an engine (`engine_build`), or we ourselves
(`process_build`).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from starlette.requests import Request

from .. import clock
from .dockerfile import BuildError
from .reference import Reference
from .runs import UNFINISHED, Run, RunLog, RunStore, registry_name
from .stage import locate

log = logging.getLogger(__name__)

UPLOADS, LOGS = "/_builds/upload/", "/_builds/log/"
MOST_URLS = 1000  # of uploads, and of logs, that are known at once
UNBUILT_SECONDS = 86400  # how long an uploaded context is kept that nobody has built


@dataclass(frozen=True)
class Job:
    """What is to be built: the packed context, and what it is called when it is done (nothing: it is not pushed)."""

    context: Path
    dockerfile: str
    names: Sequence[Reference]
    arguments: Mapping[str, str] = field(repr=False)
    platform: str = "linux/amd64"
    target: str = ""
    cached: bool = True


class Builder(Protocol):
    """Who carries out a build."""

    async def build(self, job: Job, log: RunLog) -> Mapping[Reference, str]:
        """The digest of each pushed name. Raises BuildError, or OSError when the fault is not the build's."""

    async def forget(self, names: Sequence[Reference]) -> None:
        """Clear away what is kept beside the registry for images of these names: their registry is deleted."""


class Builds:
    """The build service of all registries. `registry` is a registry's ARM id everywhere."""

    def __init__(self, builder: Builder, directory: Path) -> None:
        self._builder = builder
        self._uploads = directory / "uploads"
        self._uploads.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._runs = RunStore(directory / "runs")
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._upload_tokens: dict[str, Path] = {}
        self._log_tokens: dict[str, Run] = {}

    def upload_url(self, registry: str) -> tuple[str, str]:
        """Where to PUT a context (a path with an unguessable token), and what to call it in the build request."""
        self._forget_uploads()
        token = secrets.token_urlsafe(32)
        relative = f"source/{clock.now():%Y%m%d%H%M%S}/{secrets.token_hex(16)}.tar.gz"
        self._upload_tokens[token] = self._upload(registry, relative)
        _drop_oldest(self._upload_tokens)
        return f"{UPLOADS}{token}", relative

    def _forget_uploads(self) -> None:
        """Remove contexts that nobody had built."""
        oldest = time.time() - UNBUILT_SECONDS
        for path in self._uploads.glob("*/*"):
            with suppress(FileNotFoundError):  # its registry is being deleted
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _upload(self, registry: str, relative: str) -> Path:
        return self._uploads / registry_name(registry) / locate(Path(), relative).name

    async def receive(self, token: str, request: Request) -> bool:
        """Keep an uploaded context; False for an unknown token."""
        target = self._upload_tokens.get(token)
        if target is None:
            return False
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = target.with_name(f"{target.name}.{secrets.token_hex(8)}")
        try:
            with fresh.open("wb") as file:
                async for chunk in request.stream():
                    file.write(chunk)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)
        return True

    def schedule(self, registry: str, body: Mapping[str, Any]) -> Run:
        """Queue a DockerBuildRequest; it runs in the background. Needs a running event loop."""
        images = [str(name) for name in body.get("imageNames") or ()]
        run = self._runs.new(registry, images)
        task = asyncio.create_task(self._carry_out(run, dict(body)))
        self._tasks[registry_name(registry), run.run_id] = task
        task.add_done_callback(partial(self._ended, run))
        return run

    def _ended(self, run: Run, task: asyncio.Task[None]) -> None:
        del self._tasks[registry_name(run.registry), run.run_id]
        if task.cancelled():
            if run.status in UNFINISHED:  # before its first step
                self._runs.end(run, "Canceled", "the run was canceled")
        elif (unexpected := task.exception()) is not None:
            log.error("run %s of %s failed", run.run_id, run.registry, exc_info=unexpected)
            why = f"the build service failed unexpectedly ({type(unexpected).__name__}); see the daemon's log"
            self._fail(run, self._runs.log(run), "Error", why)

    def get(self, registry: str, run_id: str) -> Run | None:
        return self._runs.get(registry, run_id)

    def list(self, registry: str) -> list[Run]:
        return self._runs.all(registry)

    async def cancel(self, registry: str, run_id: str) -> bool:
        """End an unfinished run; False when there is none."""
        task = self._tasks.get((registry_name(registry), run_id))
        if task is None:
            return False
        task.cancel()
        await asyncio.wait([task])
        return True

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return bool(self._tasks)

    async def stop(self) -> None:
        """End all runs."""
        await _cancelled(list(self._tasks.values()))

    async def delete_registry(self, registry: str) -> None:
        """End and forget the registry's runs, with their logs and uploads."""
        name = registry_name(registry)
        await _cancelled([task for key, task in self._tasks.items() if key[0] == name])
        await self._builder.forget([image for run in self._runs.all(name) for image in _names(run)])
        self._runs.delete(name)
        await asyncio.to_thread(shutil.rmtree, self._uploads / name, ignore_errors=True)

    def log_url_path(self, registry: str, run_id: str) -> str | None:
        """The path (with an unguessable token) of a run's log, None for an unknown run."""
        run = self.get(registry, run_id)
        if run is None:
            return None
        token = secrets.token_urlsafe(32)
        self._log_tokens[token] = run
        _drop_oldest(self._log_tokens)
        return f"{LOGS}{token}"

    def log_of(self, token: str) -> tuple[Run, RunLog] | None:
        run = self._log_tokens.get(token)
        if run is None or self.get(run.registry, run.run_id) is not run:
            return None
        return run, self._runs.log(run)

    async def _carry_out(self, run: Run, body: dict[str, Any]) -> None:
        log = self._runs.log(run)
        run.status, run.started = "Running", clock.iso()
        self._runs.save(run)
        try:
            async with asyncio.timeout(float(body.get("timeout") or 3600)):
                await self._build(run, body, log)
        except BuildError as error:
            self._fail(run, log, "Failed", str(error))
        except TimeoutError:
            self._fail(run, log, "Timeout", "the run took longer than its timeout")
        except asyncio.CancelledError:
            self._fail(run, log, "Canceled", "the run was canceled")
            raise
        except OSError as error:
            self._fail(run, log, "Error", f"the build service could not go on: {error}")
        else:
            log.say(f"Run ID: {run.run_id} was successful")
            self._runs.end(run, "Succeeded")

    def _fail(self, run: Run, log: RunLog, status: str, why: str) -> None:
        log.say(f"failed to run step ID: build: {why}")
        self._runs.end(run, status, why)

    async def _build(self, run: Run, body: dict[str, Any], log: RunLog) -> None:
        upload = self._context(run, body)
        job = _job(upload, body, _names(run) if body.get("isPushEnabled", True) else [])
        try:
            for name, digest in (await self._builder.build(job, log)).items():
                log.say(f"{name.version}: digest: {digest}")
                run.outputs.append(_output(name, digest))
        finally:
            upload.unlink(missing_ok=True)

    def _context(self, run: Run, body: Mapping[str, Any]) -> Path:
        if body.get("type", "DockerBuildRequest") != "DockerBuildRequest":
            raise BuildError(f"the local build service takes a DockerBuildRequest, not {body['type']}")
        relative = str(body.get("sourceLocation") or "")
        upload = self._upload(run.registry, relative)
        if not relative.startswith("source/") or not upload.is_file():
            raise BuildError(f"sourceLocation {relative!r} is not a context that was uploaded here")
        return upload


def _drop_oldest(urls: dict[str, Any]) -> None:
    if len(urls) > MOST_URLS:
        del urls[next(iter(urls))]


def _names(run: Run) -> list[Reference]:
    server = f"{registry_name(run.registry)}.azurecr.io"
    names = [image.replace("{{.Run.ID}}", run.run_id).removeprefix(f"{server}/") for image in run.images]
    return [Reference.parse(f"{server}/{name}") for name in names]


def _output(name: Reference, digest: str) -> dict[str, str]:
    return {"registry": name.registry, "repository": name.repository, "tag": name.version, "digest": digest}


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _job(context: Path, body: Mapping[str, Any], names: Sequence[Reference]) -> Job:
    arguments = {str(entry["name"]): str(entry.get("value") or "") for entry in body.get("arguments") or ()}
    platform = body.get("platform") or {}
    parts = [platform.get("os") or "linux", platform.get("architecture") or "amd64", platform.get("variant") or ""]
    return Job(
        context,
        str(body.get("dockerFilePath") or "Dockerfile"),
        names,
        arguments,
        "/".join(str(part).lower() for part in parts if part),
        str(body.get("target") or ""),
        not body.get("noCache"),
    )
