"""What must hold before a write: where the resource lies, that nobody else is at it, what its caller expects."""

from __future__ import annotations

from . import errors
from .control.kind import Call, Kind
from .ids import GROUP, parse
from .polling import Operation
from .store import Record
from .world import World


def require_scope(call: Call) -> None:
    """The resource group, and for a nested or extension resource its parent, must exist and not be on its way out."""
    group = call.id.group
    if group and call.id.type != GROUP:
        record = call.world.store.find(f"/subscriptions/{call.id.subscription}/resourceGroups/{group}")
        if record is None:
            raise errors.group_missing(group)
        if call.method in ("PUT", "PATCH") and record.properties["provisioningState"] == "Deleting":
            raise errors.group_deleting(group)
    parent = call.id.parent or ""
    if "/providers/" not in parent.lower() or call.world.store.find(parent):
        return
    found = parse(parent)
    if found and (kind := call.world.kinds.get(found.type.lower())) and not kind.read:
        orphan = call.kind.orphan if call.kind else None
        raise orphan(found) if orphan else errors.missing(found, kind.type)


def require_idle(call: Call, kind: Kind) -> None:
    """Refuse a write beside another one on the resource, its parent, or what is nested in it."""
    operations, id = call.world.operations, call.id
    on = operations.on(id.text)
    found = [on] if on else []
    if id.nested and (above := operations.on(id.parent or "")):
        found.append(above)
    if kind.type != GROUP:
        found += operations.below(id.text)
    for operation in found:
        if not _background(call.world, operation) or (operation is on and call.method != "DELETE"):
            raise kind.busy(operation)


def _background(world: World, operation: Operation) -> bool:
    record = world.store.find(operation.target)
    return record is not None and kind_of(world, record).background


async def interrupt(world: World, target: str) -> None:
    """End the background work on a resource that is to be deleted, and on what lies below it."""
    on = world.operations.on(target)
    for operation in [*world.operations.below(target), *([on] if on else [])]:
        if _background(world, operation):
            await world.operations.cancel(operation)


def met(call: Call, previous: Record | None) -> bool:
    """Whether If-Match and If-None-Match hold."""
    etag = kind_of(call.world, previous).show(call.world, previous).get("etag") if previous else None
    wanted, unwanted = call.headers.get("if-match"), call.headers.get("if-none-match")
    if wanted and (previous is None or wanted not in ("*", etag)):
        return False
    return not (unwanted == "*" and previous)


def kind_of(world: World, record: Record) -> Kind:
    """The row of the table that a stored resource is of."""
    return world.kinds.get(record.type.lower()) or Kind(record.type)
