"""Revisions and replicas of container apps: what each was made of is remembered, how it is is read from what runs.

https://learn.microsoft.com/rest/api/containerapps/container-apps-revision-replicas
"""

from __future__ import annotations

import copy

from .. import clock
from ..errors import ArmError, gateway
from ..ids import Id
from ..resource_types import APP
from ..runtime.spec import ReplicaInfo, RevisionStatus
from ..store import Body, Record
from ..world import World
from .app_spec import revision_spec
from .kind import Call, States, read_only

REVISION = f"{APP}/revisions"
REPLICA = f"{APP}/revisions/replicas"


def begin_revision(world: World, app: Record, name: str) -> None:
    """Remember a revision that is being brought up."""
    id = f"{app.id}/revisions/{name}"
    if found := world.store.find(id):
        found.properties.update(active=True, provisioningState="Provisioning")
        world.store.save(found)
        return
    properties: Body = {
        "createdTime": clock.iso(),
        "template": copy.deepcopy(app.properties["template"]),
        "active": True,
        "provisioningState": "Provisioning",
    }
    if ingress := app.properties["configuration"].get("ingress"):
        properties["fqdn"] = fqdn_of(ingress, app.name, name)
    body: Body = {"id": id, "name": name, "type": REVISION, "properties": properties}
    if by := app.body.get("systemData", {}).get("lastModifiedBy"):
        made = {"createdBy": by, "createdByType": "Application", "createdAt": properties["createdTime"]}
        body["systemData"] = made
    world.store.save(Record(id, REVISION, body))


def fqdn_of(ingress: Body, app: str, revision: str) -> str:
    """`<revision>.<domain>`, where this revision alone answers."""
    return str(ingress["fqdn"]).replace(app, revision, 1)


def end_revision(world: World, app: Record, name: str, failure: str | None) -> None:
    """Note how the one revision of Single mode turned out; one that is ready is the only active one."""
    with world.store.together():
        for record in world.store.records(app.id, REVISION):
            mine = record.name == name
            if mine:
                record.properties.update(_outcome(failure), active=failure is None)
            elif failure is None and record.properties["active"]:
                record.properties.update(active=False, lastActiveTime=clock.iso())
            world.store.save(record)
        prune(world, app)


def _outcome(failure: str | None) -> Body:
    if failure is None:
        return {"provisioningState": "Provisioned", "provisioningError": None}
    return {"provisioningState": "Failed", "provisioningError": failure}


def prune(world: World, app: Record) -> None:
    """Forget the oldest inactive revisions beyond the app's limit."""
    kept = int(app.properties["configuration"]["maxInactiveRevisions"])
    idle = [record for record in world.store.records(app.id, REVISION) if not record.properties["active"]]
    idle.sort(key=lambda record: str(record.properties["createdTime"]))
    for record in idle[: max(0, len(idle) - kept)]:
        world.store.forget(record.id)


def app_of(world: World, revision: Record) -> Record:
    """The app that a revision belongs to."""
    found = world.store.find(revision.id.rsplit("/", 2)[0])
    assert found is not None  # noqa: S101 - it is forgotten with all below it
    return found


def _replicas(world: World, app_id: str, revision: str) -> tuple[ReplicaInfo, ...]:
    status = world.runtime.app_status(app_id.lower())
    return tuple(one for one in status.replicas if one.revision == revision) if status else ()


def _running(world: World, revision: Record) -> RevisionStatus | None:
    """How it runs; None for a revision that is not active, or not yet again after a restart of the local cloud."""
    status = world.runtime.app_status(revision.id.rsplit("/", 2)[0].lower())
    return next((one for one in status.revisions if one.name == revision.name), None) if status else None


def _show(world: World, record: Record) -> Body:
    replicas, status = _replicas(world, record.id.rsplit("/", 2)[0], record.name), _running(world, record)
    shown: Body = {"replicas": len(replicas), "trafficWeight": status.traffic if status else 0}
    stopped = app_of(world, record).properties.get("runningStatus") == "Stopped"
    if stopped or not record.properties["active"]:
        shown |= {"runningState": "Stopped", "healthState": "None"}
    elif status is None or not (status.proved or status.failure):
        shown |= {"runningState": "Processing", "healthState": "None"}
    elif status.failure:
        shown |= {"runningState": "Failed", "healthState": "Unhealthy", **_outcome(status.failure)}
    else:
        ready = sum(replica.ready for replica in replicas)
        state = "Degraded" if ready < len(replicas) else "Running" if ready else "ScaledToZero"
        health = "Healthy" if ready or not replicas else "Unhealthy"
        shown |= {"runningState": state, "healthState": health, **_outcome(None)}
    return {**record.body, "properties": {**record.properties, **shown}}


def settle(world: World, record: Record) -> None:
    """Keep what is seen of a revision, for when it does not run any more."""
    seen = _show(world, record)["properties"]
    record.properties.update({name: seen.get(name) for name in ("provisioningState", "provisioningError")})


async def _activate(call: Call, record: Record) -> Body:
    if not record.properties["active"]:
        record.properties.update(active=True, provisioningState="Provisioning")
        call.world.store.save(record)
        await call.world.runtime.put_revision(revision_spec(call.world, app_of(call.world, record), record))
    return {}


async def _deactivate(call: Call, record: Record) -> Body:
    if record.properties["active"]:
        settle(call.world, record)
        record.properties.update(active=False, lastActiveTime=clock.iso())
        call.world.store.save(record)
        app = app_of(call.world, record)
        prune(call.world, app)
        call.world.runtime.end_revision(app.key, record.name)
    return {}


async def _restart(call: Call, record: Record) -> Body:
    call.world.runtime.restart_revision(app_of(call.world, record).key, record.name)
    return {}


def _replica(world: World, revision: Record, replica: ReplicaInfo) -> Body:
    app_id = revision.id.rsplit("/", 2)[0]
    group, name = app_id.split("/providers/")[0], app_id.rsplit("/", 1)[1]
    id = f"{revision.id}/replicas/{replica.name}"
    container = str(revision.properties["template"]["containers"][0].get("name", name))
    stream = f"{group}/containerApps/{name}/revisions/{revision.name}/replicas/{replica.name}/containers/{container}"
    shown = {
        "name": container,
        "containerId": replica.id or "",
        "ready": replica.ready,
        "started": replica.pid is not None,
        "restartCount": replica.restarts,
        "runningState": "Running" if replica.state == "Running" else "Waiting",
        "runningStateDetails": replica.reason or "",
        "logStreamEndpoint": f"{world.origin}{stream}/logstream",
        "execEndpoint": f"{world.origin.replace('https', 'wss', 1)}{stream}/exec",
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
    read_only(
        REVISION,
        states=States(member=None),
        show=_show,
        missing=_no_revision,
        rank=9,
        actions={"activate": _activate, "deactivate": _deactivate, "restart": _restart},
    ),
    read_only(
        REPLICA,
        read=_read,
        listing=_list,
        missing=_no_replica,
    ),
)
