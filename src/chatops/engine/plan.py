"""The plan: for every resource one action and the reason for it. Pure, but for `observe`, which only reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from chatops.engine.diff import Change, changes, pattern
from chatops.engine.graph import depth, in_order
from chatops.engine.resource import C, Json, Known, Observed, Resource

READERS = 12
FOREIGN = "exists without this stack's tag"


class Action(StrEnum):
    """What will be done to one resource; the value is its sign in a plan."""

    NOOP = "="
    CREATE = "+"
    UPDATE = "~"
    REPLACE = "±"
    DELETE = "-"


@dataclass(frozen=True)
class Step:
    """One resource, what happens to it, and why."""

    action: Action
    resource: Resource[Any]
    reason: str
    changes: tuple[Change, ...] = ()
    observed: Observed | None = None

    @property
    def address(self) -> str:
        return self.resource.address


@dataclass(frozen=True)
class Plan:
    """Steps in the order of needs, and the names of foreign resources that are left alone."""

    steps: tuple[Step, ...]
    kept: tuple[str, ...] = ()

    @property
    def work(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.action is not Action.NOOP)

    def count(self, action: Action) -> int:
        return sum(step.action is action for step in self.steps)


def observe(resources: Sequence[Resource[C]], cloud: C) -> dict[str, Observed]:
    """Read every resource live, in parallel, but those whose parent is absent. Only what was found is in the result."""
    by_address: dict[str, Resource[Any]] = {resource.address: resource for resource in resources}
    found: dict[str, Observed] = {}

    def read(resource: Resource[C]) -> Observed | None:
        parent = found.get(resource.parent or "")
        if resource.parent in by_address and (parent is None or not parent.exists):
            return None
        return resource.read(cloud)

    levels = sorted(resources, key=lambda resource: depth(resource, by_address))
    with ThreadPoolExecutor(READERS, thread_name_prefix="read") as pool:
        for _, level in groupby(levels, key=lambda resource: depth(resource, by_address)):
            same = list(level)
            for resource, observed in zip(same, pool.map(read, same), strict=True):
                if observed is not None:
                    found[resource.address] = observed
    return found


def plan_up(
    desired: Sequence[Resource[C]], observed: Mapping[str, Observed], orphans: Sequence[Resource[C]] = ()
) -> Plan:
    """Decide what makes `desired` true. `orphans` are owned resources that are no longer desired: they are deleted."""
    bodies: dict[str, Json] = {address: seen.body for address, seen in observed.items() if seen.exists}
    steps, replaced = [], set[str]()
    for resource in in_order(desired):
        step = decide(resource, observed.get(resource.address), Known(bodies))
        if resource.goes_with_parent and resource.parent in replaced:
            step = Step(Action.CREATE, resource, f"goes with {resource.parent}, which is replaced")
        if step.action is Action.REPLACE:
            replaced.add(step.address)
        if step.action in (Action.CREATE, Action.REPLACE):
            bodies.pop(resource.address, None)
        steps.append(step)
    removed = [Step(Action.DELETE, orphan, "no longer in the configuration") for orphan in orphans]
    return Plan((*steps, *removed))


def plan_part(desired: Sequence[Resource[C]], observed: Mapping[str, Observed], part: Collection[str]) -> Plan:
    """Decide what makes the addresses in `part` true. What else was observed is left as it is, but known to them."""
    bodies: dict[str, Json] = {address: seen.body for address, seen in observed.items() if seen.exists}
    steps = []
    for resource in in_order(desired):
        seen = observed.get(resource.address)
        if resource.address in part:
            steps.append(decide(resource, seen, Known(bodies)))
        elif seen is not None:
            steps.append(Step(Action.NOOP, resource, "left as it is", observed=seen))
    return Plan(tuple(steps))


def decide(resource: Resource[Any], observed: Observed | None, known: Known) -> Step:
    """Compare one resource with what was read of it."""
    if observed is None or not observed.exists:
        return Step(Action.CREATE, resource, observed.note if observed else "does not exist", observed=observed)
    differences = tuple(changes(resource.body(known), observed.body, resource.exact))
    if not differences and observed.busy:
        return Step(Action.UPDATE, resource, "an operation is running on it", observed=observed)
    if not differences and observed.broken:
        return Step(Action.UPDATE, resource, "its last operation failed", observed=observed)
    if not differences:
        return Step(Action.NOOP, resource, observed.note or "as declared", observed=observed)
    if fixed := [change.path for change in differences if _is_immutable(change.path, resource.immutable)]:
        found = f"{FOREIGN}; " if observed.ours is False else ""
        return Step(Action.REPLACE, resource, f"{found}{fixed[0]} cannot change in place", differences, observed)
    fields = (
        f"{len(differences)} field{'s' if len(differences) > 1 else ''} differ{'' if len(differences) > 1 else 's'}"
    )
    found = f"{FOREIGN}: adopted, `down` will delete it with the stack; " if observed.ours is False else ""
    noted = f"{observed.note}; " if observed.note else ""
    return Step(Action.UPDATE, resource, f"{found}{noted}{fields}", differences, observed)


def plan_down(resources: Sequence[Resource[C]], observed: Mapping[str, Observed], keep: Collection[str] = ()) -> Plan:
    """Decide what deletes everything that was observed and is ours but the addresses in `keep`, dependents first."""
    kept = {*keep, *_not_ours(resources, observed)}
    there = {address for address, seen in observed.items() if seen.exists and address not in kept}
    present = [resource for resource in in_order(resources) if resource.address in there]
    gone = {resource.address for resource in present}
    steps = [
        Step(
            Action.DELETE,
            r,
            f"goes with {r.parent}" if r.goes_with_parent and r.parent in gone else "",
            observed=observed[r.address],
        )
        for r in reversed(present)
    ]
    foreign = [r.label for r in resources if r.address in observed and observed[r.address].ours is False]
    return Plan(tuple(steps), tuple(foreign))


def _not_ours(resources: Sequence[Resource[C]], observed: Mapping[str, Observed]) -> set[str]:
    """What carries no mark of ours, what lies in it unmarked, and everything that it lies in."""
    by_address: dict[str, Resource[Any]] = {resource.address: resource for resource in resources}

    def foreign(resource: Resource[Any]) -> bool:
        seen, parent = observed.get(resource.address), by_address.get(resource.parent or "")
        if seen is None or seen.ours is not None:
            return seen is not None and seen.ours is False
        return parent is not None and foreign(parent)

    found: set[str] = set()
    for resource in filter(foreign, resources):
        above: Resource[Any] | None = resource
        while above is not None and above.address not in found:
            found.add(above.address)
            above = by_address.get(above.parent or "")
    return found


def _is_immutable(path: str, immutable: frozenset[str]) -> bool:
    plain = pattern(path)
    return any(plain == fixed or plain.startswith(fixed + ".") for fixed in immutable)
