"""PUT, PATCH and DELETE of any resource: draft, check, fill in, store, and the operation that does the real work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from starlette.responses import JSONResponse, Response

from . import clock, errors
from .bodies import without_nulls
from .control.kind import Call, Change, Kind
from .control.providers import require_registered
from .control.styles import STYLES
from .drafts import draft
from .ids import GROUP, parse
from .polling import LOCATION, Operation, Style, headers, new_token
from .preconditions import interrupt, kind_of, met, require_idle, require_scope
from .store import Body, Record
from .world import World

REFUSE = "refuse"
"""What an operation does that is only to fail: see `Kind.late_precondition`."""


async def write(call: Call, kind: Kind) -> Response:
    """PUT (replace) or PATCH (JSON merge) of one resource."""
    style_name = kind.put if call.method == "PUT" else kind.patch
    if style_name is None:
        raise errors.unsupported(call.method)
    require_registered(call.world, kind.type.split("/")[0])
    require_scope(call)
    if kind.ask:
        call.outside = await kind.ask(call)
        require_scope(call)  # it may have gone meanwhile
    previous = call.world.store.find(call.id.text)
    if call.method == "PATCH" and previous is None:
        raise errors.missing(call.id, kind.type)
    require_idle(call, kind)
    refused = not met(call, previous)
    if refused and not kind.late_precondition:
        raise kind.precondition(call.id)
    change = draft(call, kind, previous)
    if kind.unchanged and previous and _settled(kind, previous) == _settled(kind, change.record):
        return answer(call, previous, STYLES[kind.unchanged], 200)
    if refused and previous:
        return _refuse_late(change, previous, style_name)
    return await _commit(change, STYLES[style_name])


def _refuse_late(change: Change, previous: Record, style_name: str) -> Response:
    """An operation that only finds out that a precondition does not hold; the resource stays as it was."""
    call, kind, style = change.call, change.kind, STYLES[style_name]
    operation = _open(call.world, previous, style_name, REFUSE, kind.states.updating)
    start(call.world, kind, operation, previous, {})
    return answer(call, previous, style, style.updated, operation)


def _settled(kind: Kind, record: Record) -> Body:
    """What a write could have changed."""
    body = {name: value for name, value in record.body.items() if name not in ("systemData", "etag")}
    return {**body, "properties": {**record.properties, str(kind.states.member): None}}


async def _commit(change: Change, style: Style) -> Response:
    call, kind, record = change.call, change.kind, change.record
    status = style.status if change.new else style.updated
    if style.synchronous:
        if kind.apply:
            await kind.apply(call.world, record, change.private)
        _set_state(kind, record, kind.states.done)
        with _together(change):
            call.world.store.save(record)
        return answer(call, record, style, status)
    state = kind.states.creating if change.new else kind.states.updating
    _set_state(kind, record, state)
    verb = "create" if change.new else "update"
    with _together(change):
        operation = _open(call.world, record, kind.put if call.method == "PUT" else kind.patch, verb, state)
    response = answer(call, record, style, status, operation)
    start(call.world, kind, operation, record, change.private)
    return response


@contextmanager
def _together(change: Change) -> Iterator[None]:
    """One transaction for what is written here and what belongs to it."""
    with change.world.store.together():
        for write in change.beside:
            write()
        yield


def _open(world: World, record: Record, style: str | None, verb: str, state: str) -> Operation:
    location = record.body.get("location") or _inherited_location(world, record)
    token = new_token(STYLES[style or "sync"], record.name, location)
    operation = Operation(token, style or "sync", verb, record.id, location, record.name, state)
    with world.store.together():
        world.store.save(record)
        world.operations.open(operation)
    return operation


def _inherited_location(world: World, record: Record) -> str:
    parent = world.store.find(record.id.rsplit("/", 2)[0])
    return str(parent.body.get("location", "global")) if parent else "global"


def _set_state(kind: Kind, record: Record, state: str) -> None:
    if kind.states.member:
        record.properties[kind.states.member] = state


def start(world: World, kind: Kind, operation: Operation, record: Record, private: Body) -> None:
    """Begin (or after a restart take up again) the real work of an operation."""
    world.operations.run(operation, _work(world, kind, operation, record, private), _settle(world, kind, record))


def _work(
    world: World, kind: Kind, operation: Operation, record: Record, private: Body
) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        await world.conditions.released(kind.type)
        if operation.verb == REFUSE and (id := parse(operation.target)):
            raise kind.precondition(id)
        if operation.verb in kind.turns:
            await kind.turns[operation.verb].work(world, record)
        elif operation.verb == "delete" and kind.remove:
            await kind.remove(world, record)
        elif operation.verb != "delete" and kind.apply:
            await kind.apply(world, record, private)

    return work


def _settle(world: World, kind: Kind, record: Record) -> Callable[[Operation], None]:
    def settle(operation: Operation) -> None:
        if operation.verb == REFUSE:
            return
        if operation.verb == "delete" and not operation.error:
            forget(world, record)
            return
        if operation.verb == "create" and operation.error and kind.states.member is None:
            # it could not show that it failed
            forget(world, record)
            return
        turned = kind.turns.get(operation.verb)
        failed, done = (turned.was, turned.done) if turned else (kind.states.failed, kind.states.done)
        _set_state(kind, record, failed if operation.error else done)
        world.store.save(record)

    return settle


def forget(world: World, record: Record) -> None:
    """Remove a resource and everything below it from the world."""
    with world.store.together():
        for child in world.store.records(record.id):
            world.store.forget(child.id)
        world.store.forget(record.id)


async def delete(call: Call, kind: Kind) -> Response:
    """DELETE of one resource: 204 when there is none (404 for a group)."""
    if kind.delete is None:
        raise errors.unsupported(call.method)
    require_scope(call)
    record = call.world.store.find(call.id.text)
    if record is None:
        if kind.type == GROUP:
            raise errors.missing(call.id, kind.type)
        return Response(status_code=204)
    require_idle(call, kind)
    if not met(call, record):
        raise kind.precondition(call.id)
    kind.deletable(call.world, record)
    await interrupt(call.world, call.id.text)
    record = call.world.store.find(call.id.text)
    if record is None:
        return Response(status_code=204)
    require_idle(call, kind)
    style = STYLES[kind.delete]
    if style.synchronous:
        if kind.remove:
            await kind.remove(call.world, record)
        forget(call.world, record)
        return answer(call, record, style, 200)
    _set_state(kind, record, kind.states.deleting)
    operation = _open(call.world, record, kind.delete, "delete", kind.states.deleting)
    response = answer(call, record, style, style.status, operation)
    start(call.world, kind, operation, record, {})
    return response


async def turn(call: Call, kind: Kind, record: Record, verb: str) -> Response:
    """Stop or start what a resource runs."""
    asked = kind.turns[verb]
    if operation := call.world.operations.on(record.id):
        raise kind.busy(operation)
    asked.check(record)
    _set_state(kind, record, asked.going)
    operation = _open(call.world, record, asked.style, verb, asked.going)
    response = answer(call, record, STYLES[asked.style], STYLES[asked.style].status, operation)
    start(call.world, kind, operation, record, {})
    return response


def answer(call: Call, record: Record, style: Style, status: int, operation: Operation | None = None) -> Response:
    """The first answer to a write, in the style of its provider."""
    extra = headers(operation, style, call.origin, call.version) if operation else {}
    if style.tells_where:
        extra[LOCATION] = record.id
    if style.answer == "nothing":
        return Response(status_code=status, headers=extra)
    if style.answer == "empty":
        return JSONResponse({}, status, extra)
    if style.answer != "resource":
        return JSONResponse({"operation": style.answer, "startTime": clock.iso()}, status, extra)
    return JSONResponse(without_nulls(kind_of(call.world, record).show(call.world, record)), status, extra)


def resume(world: World) -> None:
    """Take up again what was under way when the last daemon ended."""
    for operation in world.operations.unfinished():
        record = world.store.find(operation.target)
        if record is None:
            record = Record(operation.target, "", {})
        start(world, kind_of(world, record), operation, record, {})
