"""What a local cloud has on an engine, found by label: ended and removed."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from ..hosts import LEFTOVER_GRACE
from .engine import Engine, EngineRefusal
from .labels import Owner

log = logging.getLogger(__name__)


async def sweep(engine: Engine, owner: Owner, grace: float) -> int:
    """End the owner's containers, politely, then after `grace` seconds by SIGKILL; remove them and its networks.

    Returns how many containers there were. Other local clouds' are left alone.
    """
    found = await engine.containers(owner.labels)
    await asyncio.gather(*(_end(engine, container, grace) for container in found))
    networks = await engine.networks(owner.labels)
    await asyncio.gather(*(_remove(engine, network) for network in networks))
    return len(found)


async def _remove(engine: Engine, network: dict[str, Any]) -> None:
    try:
        await engine.remove_network(str(network["Id"]))
    except EngineRefusal as refusal:  # somebody has put a container of their own into it
        log.warning("the network %s stays: %s", network["Name"], refusal)


async def _end(engine: Engine, container: dict[str, Any], grace: float) -> None:
    if container["State"] == "running":
        await engine.stop(str(container["Id"]), grace)
    await engine.remove(str(container["Id"]))


async def sweep_of(home: Path, socket: str) -> int:
    """What the local cloud in `home`, which does not run, left on the engine at `socket`. Raises EngineGone."""
    engine = Engine(socket)
    try:
        return await sweep(engine, Owner(home), LEFTOVER_GRACE)
    finally:
        await engine.close()
