"""A command on a terminal whose two sides are not equally fast."""

import asyncio
import os
import signal

import pytest

from chatops.localcloud.runtime.processes import Children, Command
from chatops.localcloud.runtime.terminals import MOST_INPUT, WAITING, open_terminal

pytestmark = pytest.mark.anyio


def enter(tmp_path, command):
    return open_terminal(Children(tmp_path / "children"), Command(["sh", "-c", command], tmp_path, dict(os.environ)))


@pytest.fixture
def awake():
    """Ends a test that blocks the event loop, where no timeout of the loop could."""

    def blocked(*_):
        raise AssertionError("the event loop stands still")

    before = signal.signal(signal.SIGALRM, blocked)
    signal.alarm(240)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


async def test_a_command_that_does_not_read_holds_up_nobody(tmp_path, awake):
    terminal = await enter(tmp_path, "stty raw; echo started; exec sleep 1000")
    assert b"started" in await terminal.read()
    with pytest.raises(OSError, match="does not read"):
        for _ in range(MOST_INPUT // 2**20 + 1):
            terminal.write(bytes(2**20))
    assert await terminal.close() == -signal.SIGKILL


async def test_what_is_written_to_a_slow_command_arrives_whole(tmp_path, awake):
    terminal = await enter(tmp_path, "stty raw -echo; echo started; head -c 5000000 | wc -c")
    assert b"started" in await terminal.read()
    terminal.write(b"x" * 5_000_000)
    output = b""
    while data := await terminal.read():
        output += data
    assert output.split() == [b"5000000"]
    assert await terminal.close() in (0, -signal.SIGKILL)


async def test_a_command_waits_for_a_slow_reader(tmp_path, awake):
    terminal = await enter(tmp_path, "head -c 2000000 /dev/zero")
    size = waiting = 0
    while data := await terminal.read():
        for _ in range(100):
            await asyncio.sleep(0)
        size, waiting = size + len(data), max(waiting, terminal._output.qsize())
    assert (size, waiting <= WAITING) == (2_000_000, True)
    assert await terminal.close() in (0, -signal.SIGKILL)
