"""Logs of replicas over a long time: what is kept, who may be slow, and what a full disk costs."""

import asyncio
import os
import resource

import pytest

from chatops.localcloud.data.streams import _until
from chatops.localcloud.runtime.logs import BEHIND, DEAD, AppLogs, LogFile, last_lines

pytestmark = pytest.mark.anyio


def test_logs_of_ended_replicas_are_kept_until_there_are_too_many(tmp_path):
    logs = AppLogs(tmp_path)
    (tmp_path / "postgresql.log").touch()
    logs.open("web--r0-alive").note("on")
    for number in range(DEAD + 5):
        logs.open(f"web--r1-{number}").note("here")
        logs.close(f"web--r1-{number}")
        path = tmp_path / f"web--r1-{number}.log"
        path.with_name(path.name + ".1").touch()
        os.utime(path, (number, number))
    logs.open("web--r2-next")
    left = {path.name for path in tmp_path.iterdir()}
    dead = {f"web--r1-{number}.log{part}" for number in range(5, DEAD + 5) for part in ("", ".1")}
    assert left == {"postgresql.log", "web--r0-alive.log", "web--r2-next.log"} | dead


async def test_a_reader_that_is_too_slow_costs_no_more_than_its_share(tmp_path):
    logs = AppLogs(tmp_path)
    log = logs.open("web--r1-a")
    log.note("first")
    lines = logs.read(None, 1, True)
    assert b"first" in await anext(lines)
    for number in range(3 * BEHIND // 50_000):
        log.note(f"{number} " + "x" * 50_000)
    (reader,) = log._readers
    assert BEHIND <= reader._size < BEHIND + 60_000
    assert b"[system] 0 x" in await anext(lines)


async def test_a_reader_that_goes_away_leaves_nothing_behind(tmp_path):
    logs = AppLogs(tmp_path)
    log = logs.open("web--r1-a")
    log.note("first")
    before = asyncio.all_tasks()
    stream = _until(asyncio.Event(), logs.read(None, 1, True))
    assert b"first" in await anext(stream)
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    assert log._readers
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    if left := asyncio.all_tasks() - before:
        await asyncio.wait(left, timeout=60)
    assert asyncio.all_tasks() == before
    assert not log._readers


def test_a_full_disk_costs_lines_and_nothing_else(tmp_path):
    log = LogFile(tmp_path / "web--r1-a.log")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        log.note("lost")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.note("kept")
    assert [line.split(b" ", 1)[1] for line in last_lines(log.path, 5)] == [b"[system] kept\n"]
