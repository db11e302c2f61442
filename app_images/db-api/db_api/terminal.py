"""Bytes through a terminal, the only way in and out of a container from outside: base64, a few thousand a line.

A terminal adds carriage returns and echoes what it is sent; so it is told not to echo, and white space does not count.
"""

import base64
import binascii
import sys
import termios
import tty
from typing import BinaryIO

BLOCK = 3000  # bytes a line
ACKNOWLEDGED = "."


class Printed:
    """A file to write to, whose content is printed."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        while len(self._waiting) >= BLOCK:
            self._print(BLOCK)
        return len(data)

    def flush(self) -> None:
        """Nothing is printed before a line is full."""

    def close(self) -> None:
        if self._waiting:
            self._print(len(self._waiting))
        sys.stdout.flush()

    def _print(self, size: int) -> None:
        print(base64.b64encode(self._waiting[:size]).decode())
        del self._waiting[:size]


def listen(file: BinaryIO) -> None:
    """Put into `file` what is typed, up to an empty line; each line is acknowledged, so that none is sent too early.

    Raises ValueError when it is not base64, EOFError when the terminal is gone.
    """
    if sys.stdin.isatty():
        tty.setcbreak(sys.stdin, termios.TCSANOW)  # no echo, and no limit to the length of a line
    print('{"ready": true}', flush=True)
    while line := sys.stdin.buffer.readline():
        if not line.strip():
            return
        try:
            file.write(base64.b64decode(line.strip(), validate=True))
        except binascii.Error as error:
            raise ValueError(f"not base64: {error}") from error
        print(ACKNOWLEDGED, flush=True)
    raise EOFError("the terminal was closed")
