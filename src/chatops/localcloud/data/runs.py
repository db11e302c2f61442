"""Runs of a registry's build service, in ARM's shape, kept on disk with their logs.

https://learn.microsoft.com/rest/api/containerregistry/runs: Queued, Started, Running, then Succeeded, Failed, Canceled,
Error or Timeout.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import clock
from ..files import write_private

UNFINISHED = {"Queued", "Started", "Running"}


@dataclass
class Run:
    """One run. `registry` is the registry's ARM id as it was given."""

    registry: str
    run_id: str
    images: list[str]
    status: str = "Queued"
    created: str = field(default_factory=clock.iso)
    started: str | None = None
    finished: str | None = None
    outputs: list[dict[str, str]] = field(default_factory=list)
    error: str | None = None

    def arm(self) -> dict[str, Any]:
        """The ARM resource."""
        return {
            "id": f"{self.registry}/runs/{self.run_id}",
            "name": self.run_id,
            "type": "Microsoft.ContainerRegistry/registries/runs",
            "properties": {
                "runId": self.run_id,
                "status": self.status,
                "runType": "QuickBuild",
                "createTime": self.created,
                "lastUpdatedTime": self.finished or self.started or self.created,
                "startTime": self.started,
                "finishTime": self.finished,
                "outputImages": self.outputs,
                "platform": {"os": "Linux", "architecture": "amd64"},
                "agentConfiguration": {"cpu": 2},
                "isArchiveEnabled": False,
                "provisioningState": "Succeeded" if self.status == "Succeeded" else "Running",
                "runErrorMessage": self.error,
            },
        }


class RunLog:
    """A run's log: written to a file, followed by any number of readers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._changed = asyncio.Event()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)

    def write(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)
        self._wake()

    def say(self, text: str) -> None:
        self.write(text.encode() + b"\n")

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def finish(self) -> None:
        """Wake the readers for the last time."""
        self._wake()

    async def follow(self, run: Run) -> AsyncIterator[bytes]:
        """The log from its start, to the run's end."""
        with self.path.open("rb") as file:
            while True:
                changed, ended = self._changed, run.status not in UNFINISHED
                while data := file.read(65536):
                    yield data
                if ended:
                    return
                await changed.wait()


class RunStore:
    """The runs of every registry, in `directory`/<registry>/<run id>.json and .log."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._runs: dict[str, dict[str, Run]] = {}
        self._logs: dict[tuple[str, str], RunLog] = {}
        for path in sorted(directory.glob("*/*.json"), key=lambda path: (len(path.stem), path.stem)):
            run = Run(**json.loads(path.read_text()))
            self._runs.setdefault(path.parent.name, {})[run.run_id] = run
            if run.status in UNFINISHED:
                self.end(run, "Error", "the local cloud was stopped during this run")

    def new(self, registry: str, images: list[str]) -> Run:
        runs = self._runs.setdefault(registry_name(registry), {})
        run = Run(registry, f"cb{len(runs) + 1}", images)
        runs[run.run_id] = run
        self.save(run)
        return run

    def get(self, registry: str, run_id: str) -> Run | None:
        return self._runs.get(registry_name(registry), {}).get(run_id)

    def all(self, registry: str) -> list[Run]:
        """Newest first, as Azure lists them."""
        return list(reversed(self._runs.get(registry_name(registry), {}).values()))

    def log(self, run: Run) -> RunLog:
        key = (registry_name(run.registry), run.run_id)
        if key not in self._logs:
            self._logs[key] = RunLog(self._path(run, ".log"))
        return self._logs[key]

    def end(self, run: Run, status: str, error: str | None = None) -> None:
        run.status, run.error, run.finished = status, error, clock.iso()
        self.save(run)
        self.log(run).finish()

    def save(self, run: Run) -> None:
        path = self._path(run, ".json")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, json.dumps(asdict(run)), lasting=False)

    def delete(self, registry: str) -> None:
        """Forget the runs of one registry and remove them from disk."""
        for run_id in self._runs.pop(registry_name(registry), {}):
            self._logs.pop((registry_name(registry), run_id), None)
        shutil.rmtree(self._directory / registry_name(registry), ignore_errors=True)

    def _path(self, run: Run, suffix: str) -> Path:
        return self._directory / registry_name(run.registry) / (run.run_id + suffix)


def registry_name(registry: str) -> str:
    """The name, lower-case, of a registry given by ARM id or login server."""
    return registry.rstrip("/").rsplit("/", 1)[-1].partition(".")[0].lower()
