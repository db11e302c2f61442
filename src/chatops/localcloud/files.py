"""Files that are whole or not there, whenever the daemon is killed, and readable by their owner alone."""

from __future__ import annotations

import os
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
