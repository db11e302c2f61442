"""Children: what is known of one that ends just when it is signalled."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from chatops.localcloud.runtime.processes import Children, Command, send

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_child_that_has_just_ended_keeps_its_exit_code(tmp_path: Path, number: signal.Signals) -> None:
    child = await Children(tmp_path / "children").spawn(Command(["sh", "-c", "exit 7"], tmp_path, dict(os.environ)))
    with suppress(ChildProcessError):  # asyncio's own thread may have reaped it, but the loop has not heard of it
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    send(child, number)
    assert await child.wait() == 7
