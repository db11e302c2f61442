"""Work beside everything else: its failures are told, and what should last is begun again."""

import asyncio
import logging

import pytest

from chatops.localcloud.tasks import beside, for_ever

pytestmark = pytest.mark.anyio


async def test_a_failure_that_nobody_waits_for_is_told_at_once(caplog):
    async def fail():
        raise KeyError("gone")

    task = beside(fail(), "the look at something")
    await asyncio.wait([task])
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "the look at something failed")
    assert "KeyError" in str(record.exc_info)


async def test_what_should_last_is_begun_again_and_ends_when_it_is_told_to(caplog):
    begun, ended = [], asyncio.Event()

    async def work():
        begun.append(1)
        if len(begun) < 3:
            raise ValueError("not yet")
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    lasting = asyncio.create_task(for_ever(work, "work", pause=0))
    async with asyncio.timeout(60):
        while len(begun) < 3:
            await asyncio.sleep(0)
        lasting.cancel()
        await ended.wait()
    assert len(caplog.records) == 2
