"""After a start: what the store says should run is brought up again, databases first, then the apps side by side."""

from __future__ import annotations

import asyncio
import copy
import logging

from .control.app_spec import spec_of
from .control.environments import APP
from .control.postgres import SERVER
from .control.revisions import REVISION
from .errors import ArmError
from .runtime.spec import RuntimeFailure
from .store import Record
from .world import World

log = logging.getLogger(__name__)


async def replay(world: World) -> list[asyncio.Task[None]]:
    """Start the servers and return once they answer; the apps come up in the tasks that are returned."""
    servers = [record for record in world.store.records(type=SERVER) if record.properties["state"] != "Dropping"]
    await asyncio.gather(*(_server(world, record) for record in servers))
    apps = [standing for app in world.store.records(type=APP) if (standing := _standing(world, app))]
    tasks = [asyncio.create_task(_app(world, app)) for app in apps]
    await asyncio.sleep(0)
    return tasks


async def _server(world: World, record: Record) -> None:
    properties = record.properties
    try:
        await world.runtime.put_server(record.key, str(properties["version"]), properties["administratorLogin"], None)
    except RuntimeFailure as failure:
        log.warning("the server %s does not run again: %s", record.id, failure)


def _standing(world: World, app: Record) -> Record | None:
    """The app as its last ready revision had it; None when none ever was."""
    ready = app.properties["latestReadyRevisionName"]
    revision = world.store.find(f"{app.id}/revisions/{ready}") if ready else None
    if revision is None or revision.type != REVISION or app.properties["provisioningState"] == "Deleting":
        return None
    standing = copy.deepcopy(app)
    standing.properties["template"] = copy.deepcopy(revision.properties["template"])
    standing.hidden["revision"] = ready
    return standing


async def _app(world: World, app: Record) -> None:
    try:
        await world.runtime.put_app(spec_of(world, app))
    except (RuntimeFailure, ArmError) as failure:
        log.warning("the app %s does not run again: %s", app.id, failure)
