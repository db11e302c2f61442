"""What a local cloud that does not run any more has left on a Docker engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from .home import SETTINGS
from .runtime.docker.engine import EngineGone
from .runtime.docker.leftovers import sweep_of
from .store import Store


def end_containers(home: Path) -> str:
    """End and remove them; what there is to say about it. The daemon of that home must be stopped."""
    if not (home / "world.db").exists():
        return ""
    store = Store(home / "world.db")
    runtime = store.get(SETTINGS, "runtime") or {}
    store.close()
    if not runtime.get("socket"):
        return ""
    try:
        ended = asyncio.run(sweep_of(home.resolve(), runtime["socket"]))
    except EngineGone as gone:
        return f"{gone}: what it still runs for this local cloud is left"
    return f"containers left behind and removed: {ended}" if ended else ""
