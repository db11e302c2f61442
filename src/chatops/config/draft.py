"""A changed YAML file before it is written, and how it is: in one go, and never over what somebody else has written."""

from __future__ import annotations

import codecs
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from chatops.config.schema import Config
from chatops.errors import ConfigError, Problem


@dataclass(frozen=True)
class Draft:
    """A YAML file before and after a change, and the configuration that it then is. The file is still as it was."""

    path: Path
    before: str
    after: str
    config: Config

    @property
    def differs(self) -> bool:
        return self.before != self.after

    def write(self) -> None:
        """Write the change. Raises ConfigError, with the file as it was."""
        write(self.path, self.after, self.before)

    def take_back(self) -> None:
        """Write what was there before. Raises ConfigError when somebody else has changed it since."""
        write(self.path, self.before, self.after)


def write(path: Path, text: str, before: str) -> None:
    """Replace the file's content in one go, keeping its mode; a symbolic link stays one.

    Raises ConfigError, with the file untouched, when it no longer holds `before` or cannot be written.
    """
    target = Path(os.path.realpath(path))
    try:
        there = target.read_bytes()
        if there.decode("utf-8-sig", errors="replace") != before:
            raise _unwritable(path, "it was changed by somebody else meanwhile", "run the same command again")
        mark = codecs.BOM_UTF8 if there.startswith(codecs.BOM_UTF8) else b""
        _replace(target, mark + text.encode())
    except OSError as error:
        hint = "make it writable, then run the same command again"
        raise _unwritable(path, f"it cannot be written: {error.strerror}", hint) from None


def _replace(target: Path, content: bytes) -> None:
    mode = target.stat().st_mode & 0o7777
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as fresh:
            fresh.write(content)
            fresh.flush()
            os.fsync(fresh.fileno())
        Path(name).chmod(mode)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _unwritable(path: Path, found: str, hint: str) -> ConfigError:
    return ConfigError([Problem(str(path), None, None, "", found, None, hint)])
