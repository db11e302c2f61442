"""What a plan changes about the month's cost: per step, and in total with the free grants that all share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chatops.cost.estimate import Bounds, Estimate, Scenario, estimate
from chatops.cost.meter import NOTHING, UNPRICED, Charge, Priced
from chatops.cost.month import USUAL
from chatops.cost.prices import Prices
from chatops.cost.usage import Usage
from chatops.engine.diff import merge
from chatops.engine.plan import Action, Plan, Step
from chatops.engine.resource import Known, Resource


@dataclass(frozen=True)
class Change:
    """What one step adds to (or takes off) an expected month, before grants. `unknown`: a price of it is missing."""

    expected: Decimal
    unknown: bool


@dataclass(frozen=True)
class Bill:
    """A plan's price: each step's change by address, and the stack's month before and after.

    `billed` is false where nothing is charged at all: the local cloud. Then it is what Azure would bill.
    """

    changes: Mapping[str, Change]
    before: Estimate
    after: Estimate
    billed: bool

    def more(self, scenario: Scenario) -> Bounds:
        """Return by how much the month changes."""
        return self.after.total(scenario) - self.before.total(scenario)

    @property
    def at_least(self) -> bool:
        return any(change.unknown for change in self.changes.values())


def charge_of(resource: Priced, body: Any, home: str) -> Charge:
    """Return what a resource with this body is billed by; `home` is the region of what has none of its own."""
    return Charge(resource.address, resource.label, _region(body, home), resource.meters(body))


@dataclass(frozen=True)
class Tariff:
    """What a plan is priced with: `home` is the stack's region, `billed` as in `Bill`."""

    prices: Prices
    usage: Mapping[str, Usage]
    home: str
    billed: bool


def bill(plan: Plan, tariff: Tariff, beside: Sequence[Resource[Any]] = ()) -> Bill:
    """Price a plan: what is there as it was read, what is planned as it was declared.

    `beside` is the rest of the stack, that a plan of a part says nothing of: it shares the free grants.
    """
    home = tariff.home
    rest = charges(beside, home)
    before = [charge for step in plan.steps if (charge := _before(step, home))]
    after = [charge for step in plan.steps if (charge := _after(step, home))]
    then, now = (estimate([*rest, *some], tariff.prices, tariff.usage, home, USUAL) for some in (before, after))
    return Bill({step.address: _change(step.address, then, now) for step in plan.work}, then, now, tariff.billed)


def _change(address: str, before: Estimate, after: Estimate) -> Change:
    old, new = before.of(address), after.of(address)
    costs = [line.cost(Scenario.EXPECTED) or NOTHING for line in new]
    costs += [-(line.cost(Scenario.EXPECTED) or NOTHING) for line in old]
    differs = [line.meter for line in old] != [line.meter for line in new]
    return Change(sum(costs, NOTHING), differs and any(line.unknown for line in (*old, *new)))


def _before(step: Step, home: str) -> Charge | None:
    if step.observed is None and step.action is Action.DELETE:
        return Charge(step.address, step.resource.label, home, UNPRICED)
    if step.observed is None or not step.observed.exists:
        return None
    body = step.observed.body if step.action is not Action.NOOP else _declared(step.resource)
    return _charge(step.resource, body, home)


def _after(step: Step, home: str) -> Charge | None:
    if step.action is Action.DELETE:
        return None
    body = _declared(step.resource)
    if step.action is Action.UPDATE and step.observed is not None:
        body = merge(body, step.observed.body, step.resource.exact)
    return _charge(step.resource, body, home)


def _declared(resource: Resource[Any]) -> Any:
    return resource.body(Known({}))


def _charge(resource: Resource[Any], body: Any, home: str) -> Charge:
    """What cannot say what it is billed by is unknown, not free."""
    if isinstance(resource, Priced):
        return charge_of(resource, body, home)
    return Charge(resource.address, resource.label, home, UNPRICED)


def charges(resources: Sequence[Resource[Any]], home: str) -> list[Charge]:
    """Return what the desired resources are billed by, those that are free with no meters."""
    return [_charge(resource, _declared(resource), home) for resource in resources]


def _region(body: Any, home: str) -> str:
    said = str(body.get("location") or home).replace(" ", "").lower()
    return home if said == "global" else said
