"""Child processes that never outlive the local cloud.

Each child leads a session of its own and is written down (pid and start time) before it is used. So a daemon that comes
up after a SIGKILL finds what its predecessor left and ends it, and only it: a recycled pid has another start time.
On Linux the kernel also signals a child the moment its parent dies (PR_SET_PDEATHSIG, through util-linux's `setpriv`).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from ..files import write_private

_CLOCK_SLACK = 2.0  # psutil derives start times from the boot time, which follows clock corrections


@dataclass(frozen=True)
class Entry:
    """What the disk remembers of one child: enough to end it without harming anybody else."""

    pid: int
    created: float
    stop_signal: int


@dataclass(frozen=True)
class Command:
    """What to run. `prefix` wraps it (say, in another user namespace); `stop_signal` is its polite end."""

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    prefix: Sequence[str] = ()


class Children:
    """The children of this daemon, remembered in `directory`, one small file each."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._setpriv = shutil.which("setpriv")

    async def spawn(self, command: Command, terminal: int | None = None) -> asyncio.subprocess.Process:
        """Start it in a session of its own: on `terminal`, or stdin empty and stdout and stderr in one pipe.

        Raises OSError.
        """
        guard = (
            [self._setpriv, "--pdeathsig", command.stop_signal.name.removeprefix("SIG"), "--"] if self._setpriv else []
        )
        process = await asyncio.create_subprocess_exec(
            *command.prefix,
            *guard,
            *command.argv,
            cwd=command.cwd,
            env=dict(command.env),
            stdin=asyncio.subprocess.DEVNULL if terminal is None else terminal,
            stdout=asyncio.subprocess.PIPE if terminal is None else terminal,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._remember(process.pid, command.stop_signal)
        return process

    def _remember(self, pid: int, stop_signal: signal.Signals) -> None:
        try:
            entry = Entry(pid, psutil.Process(pid).create_time(), int(stop_signal))
        except psutil.NoSuchProcess:
            return
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._directory / str(pid), json.dumps(asdict(entry)), lasting=False)

    def forget(self, pid: int) -> None:
        """The child has been waited for; whatever it left in its session is ended too."""
        kill(_session(pid), signal.SIGKILL)
        (self._directory / str(pid)).unlink(missing_ok=True)

    async def end_leftovers(self, grace: float) -> int:
        """End what an earlier daemon left behind: politely, then after `grace` seconds by SIGKILL. Returns how many."""
        files = list(self._directory.glob("*")) if self._directory.exists() else []
        found = [(entry, _leftovers(entry)) for entry in map(_read, files) if entry]
        for entry, processes in found:
            kill(processes, signal.Signals(entry.stop_signal))
        everyone = [process for _, processes in found for process in processes]
        alive = await asyncio.to_thread(wait_for, everyone, grace)
        kill(alive, signal.SIGKILL)
        await asyncio.to_thread(wait_for, alive, grace)
        for file in files:
            file.unlink(missing_ok=True)
        return len(everyone)


def _read(file: Path) -> Entry | None:
    """None for what was still being written when the daemon was killed: its child went with it."""
    try:
        return Entry(**json.loads(file.read_text()))
    except (TypeError, ValueError):
        return None


def _leftovers(entry: Entry) -> list[psutil.Process]:
    found = []
    for process in _session(entry.pid):
        with suppress(psutil.NoSuchProcess):  # it has just ended by itself
            if process.create_time() >= entry.created - _CLOCK_SLACK:
                found.append(process)
    return found


def _session(pid: int) -> list[psutil.Process]:
    """The processes whose session `pid` leads or led. A pid is not given out again while its session lives."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == pid:
                found.append(process)
        except (ProcessLookupError, PermissionError):
            continue
    return found


def send(process: asyncio.subprocess.Process, signum: signal.Signals) -> None:
    """Signal a child, unless it has ended.

    Its own methods reap one that has just ended, and then nobody knows its exit code.
    """
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signum)


def kill(processes: Iterable[psutil.Process], signum: signal.Signals) -> None:
    """Signal each; one that is gone already is as good."""
    for process in processes:
        try:
            process.send_signal(signum)
        except psutil.NoSuchProcess:
            continue


def wait_for(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until they have ended, and return those that have not after `seconds`."""
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def is_alive(process: psutil.Process) -> bool:
    """Tell whether it runs. One that only waits for its parent to take notice holds nothing any more."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
