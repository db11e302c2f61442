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
BLOCK = 4096  # bytes, what a terminal gives at once
WAITING = 64  # blocks of output that wait to be read; then the command has to wait
MOST_INPUT = 64 * 2**20  # bytes that may wait for a command which does not read


class ProcessTerminal:
    """A process on a pseudo-terminal of this machine."""

    def __init__(self, process: asyncio.subprocess.Process, master: int, ended: Callable[[], None]) -> None:
        self._process = process
        self._master = master
        self._ended = ended
        self._output: asyncio.Queue[bytes] = asyncio.Queue()
        self._over = False
        self._input = bytearray()
        self._loop = asyncio.get_running_loop()
        os.set_blocking(master, False)
        self._loop.add_reader(master, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._master, BLOCK)
        except BlockingIOError:
            return
        except OSError:  # Linux's way to say that nobody has the other end any more
            data = b""
        self._over = not data
        self._output.put_nowait(data)
        if self._over or self._output.qsize() >= WAITING:
            self._loop.remove_reader(self._master)

    async def read(self) -> bytes:
        data = await self._output.get()
        if not self._over:
            self._loop.add_reader(self._master, self._readable)
        return data

    def write(self, data: bytes) -> None:
        if len(self._input) + len(data) > MOST_INPUT:
            raise OSError("the command does not read what is written to it")
        self._input += data
        self._writable()
        if CTRL_C in data and self._process.returncode is None:  # it controls no session, so does not do this itself
            os.killpg(self._process.pid, signal.SIGINT)

    def _writable(self) -> None:
        try:
            del self._input[: os.write(self._master, self._input)]
        except BlockingIOError:
            pass
        except OSError:  # nobody has the other end any more
            self._input.clear()
        if self._input:
            self._loop.add_writer(self._master, self._writable)
        else:
            self._loop.remove_writer(self._master)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    async def close(self) -> int:
        send(self._process, signal.SIGKILL)
        code = await self._process.wait()
        self._over = True
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
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
