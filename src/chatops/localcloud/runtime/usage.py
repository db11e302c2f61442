"""What replicas use of cpu and memory, measured: for processes as the kernel counts them, all of a session together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Usage:
    """One replica: CPU seconds since it started, bytes of memory in use now."""

    cpu: float
    memory: int


def of_process(pid: int) -> Usage:
    """What a process and its descendants use; nothing once it is gone."""
    try:
        leader = psutil.Process(pid)
        family = [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return Usage(0.0, 0)
    found = [_alone(process) for process in family]
    return Usage(sum(one.cpu for one in found), sum(one.memory for one in found))


def _alone(process: psutil.Process) -> Usage:
    """One process, with what its children used that have ended."""
    try:
        times = process.cpu_times()
        cpu = times.user + times.system + times.children_user + times.children_system
        return Usage(cpu, process.memory_info().rss)
    except psutil.NoSuchProcess:
        return Usage(0.0, 0)


class Meter:
    """Turns readings into mean use of a replica: cpu in cores since the reading before, memory in bytes."""

    def __init__(self) -> None:
        self._before: dict[str, Usage] = {}
        self._at = 0.0

    def mean(self, readings: Mapping[str, Usage], at: float) -> Usage:
        """The mean over all replicas by name; one that was not read before counts with its memory alone."""
        length = at - self._at
        known = [(usage.cpu - self._before[name].cpu) for name, usage in readings.items() if name in self._before]
        cores = sum(max(0.0, used) for used in known) / length / len(known) if known and length > 0 else 0.0
        memory = sum(usage.memory for usage in readings.values()) // len(readings) if readings else 0
        self._before, self._at = dict(readings), at
        return Usage(cores, memory)
