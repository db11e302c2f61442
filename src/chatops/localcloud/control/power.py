"""Stopping and starting apps and database servers, and what was running coming back after the daemon has.

A stopped server is started again by Azure itself after seven days:
https://learn.microsoft.com/azure/postgresql/flexible-server/how-to-stop-server
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from .. import clock
from ..errors import ArmError
from ..resource_types import SERVER
from ..runtime.spec import RuntimeFailure
from ..store import Record
from ..world import World
from .app_spec import revision_spec, shares_of
from .domains import serve_domains
from .kind import Turn
from .revisions import REVISION, settle

log = logging.getLogger(__name__)

STOPPED = "Stopped"
LONGEST = timedelta(days=7)
LOOK = 3600.0  # seconds between two looks for servers that were stopped for too long


async def start_server(world: World, server: Record) -> None:
    """Run the server on the data that it has."""
    properties = server.properties
    await world.runtime.put_server(server.key, str(properties["version"]), properties["administratorLogin"], None)


async def _stop_server(world: World, server: Record) -> None:
    await world.runtime.stop_server(server.key)
    server.hidden["stopped"] = clock.iso()


async def wake_servers(world: World) -> None:
    """Start every server that has been stopped for seven days, as Azure does; for ever."""
    while True:
        for server in world.store.records(type=SERVER):
            if server.properties["state"] == STOPPED and clock.parse(server.hidden["stopped"]) + LONGEST <= clock.now():
                await _wake(world, server)
        await clock.sleep(LOOK)


async def _wake(world: World, server: Record) -> None:
    try:
        await start_server(world, server)
    except RuntimeFailure as failure:
        log.warning("the server %s does not start: %s", server.id, failure)
        return
    now = world.store.find(server.id)  # somebody may have deleted or started it meanwhile
    if now and now.properties["state"] == STOPPED and not world.operations.on(server.id):
        now.properties["state"] = "Ready"
        world.store.save(now)


def _must_be(state: str) -> Callable[[Record], None]:
    def check(server: Record) -> None:
        if server.properties["state"] != state:
            now = server.properties["state"]
            text = f"The server '{server.name}' is {now}, and must be {state} for this operation."
            raise ArmError(409, "ServerIsNotReady", text)

    return check


SERVER_TURNS = {
    "stop": Turn("postgres.server.stop", "Ready", "Stopping", STOPPED, _stop_server, _must_be("Ready")),
    "start": Turn("postgres.server.start", STOPPED, "Starting", "Ready", start_server, _must_be(STOPPED)),
}


def runs(app: Record) -> bool:
    """Whether nobody has stopped the app."""
    return bool(app.properties.get("runningStatus") != STOPPED)


async def bring_back(world: World, app: Record, *, wait: bool = True) -> None:
    """What was active comes up: in Single mode the last revision that was ready, in Multiple mode each.

    Without `wait` it returns at once, and what does not come up is tried for ever.
    """
    serve_domains(world, app)
    revisions = _active(world, app)
    single = app.properties["configuration"]["activeRevisionsMode"] == "Single"
    if single:
        revisions = [one for one in revisions if one.name == app.properties["latestReadyRevisionName"]]
    for revision in revisions:
        spec = revision_spec(world, app, revision)
        await (world.runtime.put_app(spec) if single and wait else world.runtime.put_revision(spec))
    world.runtime.set_traffic(app.key, shares_of(app))


def _active(world: World, app: Record) -> list[Record]:
    return [one for one in world.store.records(app.id, REVISION) if one.properties["active"]]


async def _stop_app(world: World, app: Record) -> None:
    for revision in _active(world, app):
        settle(world, revision)
        world.store.save(revision)
    await world.runtime.delete_app(app.key)
    app.properties["runningStatus"] = STOPPED


async def _start_app(world: World, app: Record) -> None:
    await bring_back(world, app)
    app.properties["runningStatus"] = "Running"


APP_TURNS = {
    "stop": Turn("app.turn", "Succeeded", "InProgress", "Succeeded", _stop_app),
    "start": Turn("app.turn", "Succeeded", "InProgress", "Succeeded", _start_app),
}
