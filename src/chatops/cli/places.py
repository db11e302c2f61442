"""Where chatops keeps things on this machine: the local cloud's world, its logs, its caches.

CHATOPS_HOME moves all of them into one folder; CHATOPS_CACHE moves the cache alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import PlatformDirs


def world() -> Path:
    """Everything that the local cloud holds: resources, databases, images. Gone after `down`."""
    return _place("cloud", _dirs().user_data_path / "cloud")


def logs() -> Path:
    """The local cloud's logs and its journal. They stay."""
    return _place("logs", _dirs().user_state_path / "logs")


def cache() -> Path:
    """What can be made again at any time: virtual environments by content, downloaded models."""
    if value := os.environ.get("CHATOPS_CACHE"):
        return Path(value).absolute()
    return _place("cache", _dirs().user_cache_path)


def _place(name: str, usual: Path) -> Path:
    home = os.environ.get("CHATOPS_HOME")
    return Path(home).absolute() / name if home else usual


def _dirs() -> PlatformDirs:
    return PlatformDirs("chatops", appauthor=False)
