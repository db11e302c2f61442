"""What a plan changes about the month's cost: per step, and in total with the free grants that all share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from chatops.cost.estimate import Bounds, Estimate, Scenario, estimate
from chatops.cost.meter import NOTHING, Charge, Meters, Priced
from chatops.cost.month import USUAL
from chatops.cost.prices import Prices
from chatops.cost.usage import Usage
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


def bill(plan: Plan, prices: Prices, usage: Mapping[str, Usage], home: str, billed: bool) -> Bill:
    """Price a plan. What is there is priced as it was read, what is planned as it was declared."""
    before = [charge for step in plan.steps if (charge := _before(step, home))]
    after = [charge for step in plan.steps if (charge := _after(step, home))]
    known = {step.address for step in plan.work}
    months = [estimate(charges, prices, usage, home, USUAL) for charges in (before, after)]
    return Bill({address: _change(address, *months) for address in known}, months[0], months[1], billed)


def _change(address: str, before: Estimate, after: Estimate) -> Change:
    old, new = before.of(address), after.of(address)
    costs = [line.cost(Scenario.EXPECTED) or NOTHING for line in new]
    costs += [-(line.cost(Scenario.EXPECTED) or NOTHING) for line in old]
    differs = [line.meter for line in old] != [line.meter for line in new]
    return Change(sum(costs, NOTHING), differs and any(line.unknown for line in (*old, *new)))


def _before(step: Step, home: str) -> Charge | None:
    if step.observed is None or not step.observed.exists:
        return None
    body = step.observed.body if step.action is not Action.NOOP else _declared(step.resource)
    return _charge(step.resource, body, home)


def _after(step: Step, home: str) -> Charge | None:
    return None if step.action is Action.DELETE else _charge(step.resource, _declared(step.resource), home)


def _declared(resource: Resource[Any]) -> Any:
    return resource.body(Known({}))


def _charge(resource: Resource[Any], body: Any, home: str) -> Charge | None:
    return charge_of(resource, body, home) if isinstance(resource, Priced) else None


def charges(resources: Sequence[Resource[Any]], home: str) -> list[Charge]:
    """Return what the desired resources are billed by, those that are free with no meters."""
    found = (_charge(resource, _declared(resource), home) for resource in resources)
    return [charge for charge in found if charge is not None]


def metered(charge: Charge) -> Meters:
    """Return the meters of a charge that are part of its total."""
    return tuple(meter for meter in charge.meters if not meter.doubtful)


def _region(body: Any, home: str) -> str:
    said = str(body.get("location") or home).replace(" ", "").lower()
    return home if said == "global" else said
