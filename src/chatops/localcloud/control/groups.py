"""Microsoft.Resources: resource groups with their cascading delete, and the lists of everything in a scope.

https://learn.microsoft.com/azure/azure-resource-manager/management/delete-resource-group
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .. import errors, writes
from ..bodies import number
from ..errors import gateway
from ..ids import GROUP
from ..preconditions import interrupt
from ..store import Body, Record
from ..world import World
from .kind import Call, Endpoint, Kind, NameRule, States

SHOWN = ("id", "name", "type", "kind", "managedBy", "location", "sku", "identity", "tags")
_CLAUSE = re.compile(r"\s*(\w+)\s+(eq|ne)\s+'([^']*)'\s*", re.IGNORECASE)


async def _remove(world: World, group: Record) -> None:
    """Delete everything in the group, dependents first, each with its real work; then Azure lets the group go."""
    kinds = world.kinds
    await interrupt(world, group.id)
    inside = world.store.records(group.id)
    ranked = sorted(inside, key=lambda record: (kinds[record.type.lower()].rank, -record.id.count("/")))
    for record in ranked:
        await world.operations.wait(record.id)
        if (left := world.store.find(record.id)) is None:
            continue
        if remove := kinds[left.type.lower()].remove:
            await remove(world, left)
        writes.forget(world, left)


def _groups(call: Call) -> list[Body]:
    clauses = _clauses(call.query.get("$filter", ""))
    records = call.world.store.records(call.world.settings.scope, GROUP)
    return [record.body for record in records if all(_holds(record, *clause) for clause in clauses)]


async def _resources(call: Call, found: Mapping[str, str]) -> Body:
    scope = call.world.settings.scope
    if group := found.get("group"):
        scope = f"{scope}/resourceGroups/{group}"
        if call.world.store.find(scope) is None:
            raise errors.group_missing(group)
    clauses = _clauses(call.query.get("$filter", ""))
    tracked = [record for record in call.world.store.records(scope) if _tracked(call.world, record)]
    value = [_summary(record) for record in tracked if all(_holds(record, *clause) for clause in clauses)]
    return {"value": value[: number(call.query.get("$top", ""), len(value))]}


def _tracked(world: World, record: Record) -> bool:
    kind = world.kinds.get(record.type.lower())
    return kind is not None and kind.tracked and record.type != GROUP


def _summary(record: Record) -> Body:
    return {name: record.body[name] for name in SHOWN if name in record.body}


def _clauses(text: str) -> list[tuple[str, str, str]]:
    """`resourceType eq 'a' and tagName eq 'b'` as triples; anything else in a filter is refused as Azure does."""
    if not text:
        return []
    found = [_CLAUSE.fullmatch(part) for part in re.split(r"\band\b", text, flags=re.IGNORECASE)]
    clauses = [(part[1].lower(), part[2].lower(), part[3].lower()) for part in found if part]
    known = {"resourcetype", "name", "tagname", "tagvalue", "location", "resourcegroup"}
    if len(clauses) != len(found) or any(clause[0] not in known for clause in clauses):
        raise gateway(400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string.")
    return clauses


def _holds(record: Record, member: str, operator: str, value: str) -> bool:
    tags = {name.lower(): str(text).lower() for name, text in record.body.get("tags", {}).items()}
    actual = {
        "resourcetype": {record.type.lower()},
        "name": {record.name.lower()},
        "location": {str(record.body.get("location", "")).lower()},
        "resourcegroup": {record.id.split("/")[4].lower()},
        "tagname": set(tags),
        "tagvalue": set(tags.values()),
    }[member]
    return (value in actual) == (operator == "eq")


KINDS = (
    Kind(
        GROUP,
        name=NameRule(
            r"[-\w._()]{0,89}[-\w_()]",
            "InvalidResourceGroup",
            "The provided resource group name '{name}' has these invalid characters or ends with a period.",
        ),
        delete="group.delete",
        states=States(failed="Succeeded"),
        rank=90,
        remove=_remove,
        listing=_groups,
    ),
)

ENDPOINTS = (
    Endpoint("GET", "/subscriptions/{subscription}/resources", _resources),
    Endpoint("GET", "/subscriptions/{subscription}/resourceGroups/{group}/resources", _resources),
)
