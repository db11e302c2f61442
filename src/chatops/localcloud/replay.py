"""After a start: what the store says should run is brought up again, databases first, then the apps side by side."""

from __future__ import annotations

import asyncio
import logging

from .control.domains import MANAGED, UPLOADED
from .control.environments import certify
from .control.power import STOPPED, bring_back, runs, start_server
from .errors import ArmError
from .resource_types import APP, ENVIRONMENT, SERVER
from .runtime.spec import RuntimeFailure
from .store import Record
from .tasks import beside
from .world import World

log = logging.getLogger(__name__)


async def replay(world: World) -> list[asyncio.Task[None]]:
    """Start the servers and return once they answer; the apps come up in the tasks that are returned."""
    resting = ("Dropping", STOPPED)
    servers = [record for record in world.store.records(type=SERVER) if record.properties["state"] not in resting]
    await asyncio.gather(*(_server(world, record) for record in servers))
    apps = [app for app in world.store.records(type=APP) if app.properties["provisioningState"] != "Deleting"]
    apps = [app for app in apps if runs(app)]
    _certificates(world)
    tasks = [beside(_app(world, app), f"bringing {app.id} back") for app in apps]
    await asyncio.sleep(0)
    return tasks


def _certificates(world: World) -> None:
    """The ingress serves again what was issued or uploaded; an environment without a certificate gets one."""
    for environment in world.store.records(type=ENVIRONMENT):
        if "pem" not in environment.hidden:
            certify(world, environment)
            world.store.save(environment)
    for record in world.store.records(type=ENVIRONMENT) + _custom(world):
        world.runtime.put_certificate(record.key, record.hidden["pem"])


def _custom(world: World) -> list[Record]:
    stored = world.store.records(type=MANAGED) + world.store.records(type=UPLOADED)
    return [record for record in stored if "pem" in record.hidden]


async def _server(world: World, record: Record) -> None:
    try:
        await start_server(world, record)
    except RuntimeFailure as failure:
        log.warning("the server %s does not run again: %s", record.id, failure)


async def _app(world: World, app: Record) -> None:
    """It ran before: what keeps it from running, such as an engine that is not there yet, may pass; it is tried on."""
    try:
        await bring_back(world, app, wait=False)
    except (RuntimeFailure, ArmError) as failure:
        log.warning("the app %s does not run again: %s", app.id, failure)
