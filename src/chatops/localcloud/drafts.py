"""From a PUT or PATCH body to the record that will be stored: identity, location, defaults, what Azure computes.

The generic part is here; each kind's `check` and `fill` do the rest.
"""

from __future__ import annotations

import copy
import logging
import traceback
import uuid

from . import clock, errors
from .bodies import merge, underlay, without_nulls
from .control.kind import Call, Change, Kind
from .control.limits import check_limits
from .control.regions import check_location, display, flat
from .errors import ArmError, gateway
from .ids import GROUP
from .store import Body, Record

log = logging.getLogger(__name__)

READ_ONLY = ("id", "name", "type", "systemData", "etag")


def draft(call: Call, kind: Kind, previous: Record | None) -> Change:
    """The change with everything filled in; a body of the wrong shape is the caller's fault and refused as such."""
    try:
        change = _body(call, kind, previous)
        check_limits(change)
        kind.check(change)
        kind.fill(change)
    except (AttributeError, KeyError, TypeError, ValueError) as failure:
        where = traceback.extract_tb(failure.__traceback__)[-1]
        log.warning("%s %s: %s in %s:%s", call.method, call.id.text, type(failure).__name__, where.name, where.lineno)
        raise errors.invalid_body(f"a value or an object of another type was expected ({where.name})") from failure
    return change


def _body(call: Call, kind: Kind, previous: Record | None) -> Change:
    wanted = without_nulls(call.body) if call.method == "PUT" else merge(previous.body if previous else {}, call.body)
    if not isinstance(wanted.get("properties", {}), dict):
        raise errors.invalid_body("'properties' must be an object.")
    if previous is None:
        kind.name.check(call.id.name)
    identity = {"id": previous.id if previous else canonical_id(call, kind), "name": call.id.name, "type": kind.type}
    if previous:
        identity["name"] = previous.name
    body = {**identity, **{name: value for name, value in wanted.items() if name not in READ_ONLY}}
    record = Record(identity["id"], kind.type, body, copy.deepcopy(previous.hidden) if previous else {})
    change = Change(call, kind, record, previous)
    _location(change)
    _properties(change)
    return change


def canonical_id(call: Call, kind: Kind) -> str:
    """The id as Azure echoes it: the parent's stored spelling, the provider's type names, the caller's name."""
    id = _plain_id(call, kind)
    return id.replace(*kind.respelled) if kind.respelled else id


def _plain_id(call: Call, kind: Kind) -> str:
    parent = call.world.store.find(call.id.parent or "")
    base = parent.id if parent else (call.id.parent or f"/subscriptions/{call.id.subscription}")
    namespace, *types = kind.type.split("/")
    if kind.type == GROUP:
        return f"{base}/resourceGroups/{call.id.name}"
    if call.id.nested:
        return f"{base}/{types[-1]}/{call.id.name}"
    return f"{base}/providers/{namespace}/{types[0]}/{call.id.name}"


def _location(change: Change) -> None:
    kind, body, previous = change.kind, change.record.body, change.previous
    if kind.location is None:
        body.pop("location", None)
        return
    if "location" not in body and previous:
        body["location"] = previous.body["location"]
    check_location(kind, body.get("location"))
    if previous and flat(previous.body["location"]) != flat(body["location"]):
        raise _moved(change, previous)
    if kind.echo == "display":
        body["location"] = display(body["location"])
    body.setdefault("tags", {})


def _moved(change: Change, previous: Record) -> ArmError:
    old, new, name = previous.body["location"], change.record.body["location"], previous.name
    if change.kind.type == GROUP:
        text = f"Invalid resource group location '{new}'. The Resource group already exists in location '{old}'."
        return gateway(409, "InvalidResourceGroupLocation", text)
    text = (
        f"The resource '{name}' already exists in location '{old}' in resource group '{change.id.group}'. "
        f"A resource with the same name cannot be created in location '{new}'. Please select a new resource name."
    )
    return gateway(409, "InvalidResourceLocation", text)


def _properties(change: Change) -> None:
    kind, properties = change.kind, change.properties
    for name in kind.write_only:
        if name in properties:
            change.private[name] = properties.pop(name)
    before = change.previous.properties if change.previous else {}
    for name in (*kind.kept, *(kind.once if change.previous else ())):
        properties.pop(name, None)
        if name in before:
            properties[name] = copy.deepcopy(before[name])
    underlay(properties, kind.defaults)
    if kind.etag:
        change.record.body["etag"] = f'W/"{uuid.uuid4()}"'
    if kind.system_data:
        change.record.body["systemData"] = _system_data(change)


def _system_data(change: Change) -> Body:
    caller, moment = change.call.claims.oid, clock.iso()
    made = change.previous.body.get("systemData", {}) if change.previous else {}
    return {
        "createdBy": made.get("createdBy", caller),
        "createdByType": "Application",
        "createdAt": made.get("createdAt", moment),
        "lastModifiedBy": caller,
        "lastModifiedByType": "Application",
        "lastModifiedAt": moment,
    }
