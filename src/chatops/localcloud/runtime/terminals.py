"""A command inside a replica, on a terminal: what `exec` of a container gives."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Callable

from .processes import Children, Command, send

CTRL_C = b"\x03"


class ProcessTerminal:
    """A process on a pseudo-terminal of this machine."""

    def __init__(self, process: asyncio.subprocess.Process, master: int, ended: Callable[[], None]) -> None:
        self._process = process
        self._master = master
        self._ended = ended
        self._output: asyncio.Queue[bytes] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(master, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux's way to say that nobody has the other end any more
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        self._output.put_nowait(data)

    async def read(self) -> bytes:
        return await self._output.get()

    def write(self, data: bytes) -> None:
        os.write(self._master, data)
        if CTRL_C in data and self._process.returncode is None:  # it controls no session, so does not do this itself
            os.killpg(self._process.pid, signal.SIGINT)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    async def close(self) -> int:
        send(self._process, signal.SIGKILL)
        code = await self._process.wait()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        self._ended()
        return code


async def open_terminal(children: Children, command: Command) -> ProcessTerminal:
    """Start `command` on a terminal of its own. Raises OSError."""
    master, slave = os.openpty()
    try:
        process = await children.spawn(command, terminal=slave)
    except OSError:
        os.close(master)
        raise
    finally:
        os.close(slave)
    return ProcessTerminal(process, master, lambda: children.forget(process.pid))
