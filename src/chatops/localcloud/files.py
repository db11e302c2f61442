"""Files of the daemon: replaced whole, so that a kill leaves none half written, or added to and kept from growing.

All are readable by their owner alone.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_private(path: Path, content: bytes | str, *, lasting: bool = True) -> None:
    """Put `content` in the place of what is there, mode 0600.

    A `lasting` file survives a power cut as well, which costs a wait for the disk.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
        if lasting:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)


def read_whole(path: Path) -> str:
    """The text of a file that may not be there yet: "" then."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


class Growing:
    """A file that is only added to. Past `cap` bytes it becomes `<name>.1`, in the place of the one before.

    A full disk costs what is added, and not whoever adds it.
    """

    def __init__(self, path: Path, cap: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._cap = cap
        self._open()

    def _open(self) -> None:
        self._file = self.path.open("ab", buffering=0)
        self.path.chmod(0o600)
        self._size = self.path.stat().st_size

    @property
    def closed(self) -> bool:
        return self._file.closed

    def add(self, data: bytes) -> None:
        with suppress(OSError, ValueError):  # a ValueError where it could not be opened anew the last time
            if self._size and self._size + len(data) > self._cap:
                self._file.close()
                self.path.replace(older(self.path))
                self._open()
            self._file.write(data)
            self._size += len(data)

    def close(self) -> None:
        self._file.close()


def older(path: Path) -> Path:
    """Where the part of a growing file before the present one is."""
    return path.with_name(path.name + ".1")
