"""Revisions and replicas of container apps: the former remembered, the latter read from what runs.

https://learn.microsoft.com/rest/api/containerapps/container-apps-revision-replicas
"""

from __future__ import annotations

import copy

from .. import clock
from ..errors import ArmError, gateway
from ..ids import Id
from ..runtime.spec import ReplicaInfo
from ..store import Body, Record
from ..world import World
from .environments import APP
from .kind import Call, Kind, States

REVISION = f"{APP}/revisions"
REPLICA = f"{APP}/revisions/replicas"
KEPT = 100


def begin_revision(world: World, app: Record, name: str) -> None:
    """Remember a revision that is being brought up."""
    id = f"{app.id}/revisions/{name}"
    if world.store.find(id):
        return
    properties: Body = {
        "createdTime": clock.iso(),
        "template": copy.deepcopy(app.properties["template"]),
        "active": True,
        "trafficWeight": 0,
        "provisioningState": "Provisioning",
        "healthState": "None",
    }
    if ingress := app.properties["configuration"].get("ingress"):
        properties["fqdn"] = ingress["fqdn"].replace(app.name, name, 1)
    world.store.save(Record(id, REVISION, {"id": id, "name": name, "type": REVISION, "properties": properties}))


def end_revision(world: World, app: Record, name: str, failure: str | None) -> None:
    """Note how a revision turned out; one that is ready takes all traffic from the others."""
    with world.store.together():
        for record in world.store.records(app.id, REVISION):
            mine = record.name == name
            if mine:
                record.properties.update(_outcome(failure))
            elif failure is None:
                record.properties.update(active=False, trafficWeight=0)
            world.store.save(record)
        _prune(world, app)


def _outcome(failure: str | None) -> Body:
    if failure is None:
        return {"provisioningState": "Provisioned", "healthState": "Healthy", "active": True, "trafficWeight": 100}
    return {
        "provisioningState": "Failed",
        "provisioningError": failure,
        "healthState": "Unhealthy",
        "active": False,
        "trafficWeight": 0,
    }


def _prune(world: World, app: Record) -> None:
    idle = [record for record in world.store.records(app.id, REVISION) if not record.properties["active"]]
    for record in sorted(idle, key=lambda record: str(record.properties["createdTime"]))[:-KEPT]:
        world.store.forget(record.id)


def _replicas(world: World, app_id: str, revision: str) -> tuple[ReplicaInfo, ...]:
    status = world.runtime.app_status(app_id.lower())
    return tuple(one for one in status.replicas if one.revision == revision) if status else ()


def _show(world: World, record: Record) -> Body:
    replicas = _replicas(world, record.id.rsplit("/", 2)[0], record.name)
    ready = [replica for replica in replicas if replica.ready]
    states = {"Provisioning": "Processing", "Failed": "Failed"}
    running = "Running" if ready else "ScaledToZero" if record.properties["active"] else "Stopped"
    state = states.get(record.properties["provisioningState"], running)
    return {**record.body, "properties": {**record.properties, "replicas": len(replicas), "runningState": state}}


def _replica(world: World, revision: Record, replica: ReplicaInfo) -> Body:
    app_id = revision.id.rsplit("/", 2)[0]
    group, name = app_id.split("/providers/")[0], app_id.rsplit("/", 1)[1]
    id = f"{revision.id}/replicas/{replica.name}"
    container = str(revision.properties["template"]["containers"][0].get("name", name))
    stream = f"{group}/containerApps/{name}/revisions/{revision.name}/replicas/{replica.name}/containers/{container}"
    shown = {
        "name": container,
        "containerId": f"process://{replica.pid}",
        "ready": replica.ready,
        "started": replica.pid is not None,
        "restartCount": replica.restarts,
        "runningState": "Running" if replica.state == "Running" else "Waiting",
        "logStreamEndpoint": f"{world.origin}{stream}/logstream",
    }
    properties = {
        "createdTime": replica.started,
        "runningState": replica.state,
        "containers": [shown],
        "initContainers": [],
    }
    return {"id": id, "name": replica.name, "type": REPLICA, "properties": properties}


def _read(world: World, id: Id) -> Body | None:
    revision = world.store.find(id.parent or "")
    if revision is None:
        return None
    found = _replicas(world, revision.id.rsplit("/", 2)[0], revision.name)
    return next((_replica(world, revision, one) for one in found if one.name == id.name), None)


def _list(call: Call) -> list[Body]:
    revision = call.world.store.find(call.id.text.rsplit("/", 1)[0])
    if revision is None:
        return []
    found = _replicas(call.world, revision.id.rsplit("/", 2)[0], revision.name)
    return [_replica(call.world, revision, replica) for replica in found]


def _no_revision(id: Id) -> ArmError:
    return gateway(404, "RevisionNotFound", f"The revision '{id.name}' was not found.")


def _no_replica(id: Id) -> ArmError:
    return gateway(404, "ReplicaNotFound", f"The replica '{id.name}' was not found.")


KINDS = (
    Kind(
        REVISION,
        put=None,
        patch=None,
        delete=None,
        states=States(member=None),
        location=None,
        show=_show,
        missing=_no_revision,
        rank=9,
    ),
    Kind(
        REPLICA,
        put=None,
        patch=None,
        delete=None,
        location=None,
        read=_read,
        listing=_list,
        missing=_no_replica,
    ),
)
