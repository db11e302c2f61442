"""What a plan does to the month's cost: what is there as it was read, what is planned as it was declared."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from reckoning import cents

from chatops import stack
from chatops.config.load import load
from chatops.config.schema import Config
from chatops.cost.change import Bill, Tariff, bill
from chatops.cost.estimate import Scenario
from chatops.cost.prices import bundled
from chatops.cost.usage import SOME_PEOPLE
from chatops.costing import offline_site, usage_by_address
from chatops.engine.plan import Plan, plan_down, plan_up
from chatops.engine.resource import Json, Known, Observed, Resource
from chatops.resources.identity import ManagedIdentity
from chatops.resources.orphan import Orphan
from chatops.views.bill import as_data, by, in_a_sentence, in_words

WHOLE = load(Path(__file__).parents[2] / "cases" / "cost" / "whole.yaml")


def made_of(config: Config) -> list[Resource[Any]]:
    return stack.resources(config, offline_site(config))


def there(config: Config) -> dict[str, Observed]:
    """The stack as it is read after it came up."""
    return {resource.address: Observed(resource.body(Known({}))) for resource in made_of(config)}


def of(plan: Plan, config: Config = WHOLE, **tariff: Any) -> Bill:
    usage = usage_by_address(config, SOME_PEOPLE)
    return bill(plan, Tariff(bundled(), usage, config.location, tariff.get("billed", True)))


def with_service(name: str, **changed: Any) -> Config:
    service = WHOLE.services[name].model_copy(update=changed)
    return WHOLE.model_copy(update={"services": {**WHOLE.services, name: service}})


def expected(found: Bill) -> tuple[str, str]:
    more = found.more(Scenario.EXPECTED)
    return cents(more.low), cents(more.high)


def test_a_new_stack_costs_all_of_it() -> None:
    found = of(plan_up(made_of(WHOLE), {}))
    assert expected(found) == ("181.17", "184.95")
    assert found.before.total(Scenario.BUSY).high == 0
    assert cents(found.changes["postgres"].expected) == "16.09"
    assert cents(found.changes["group"].expected) == "0.00"


def test_what_is_as_declared_changes_nothing() -> None:
    found = of(plan_up(made_of(WHOLE), there(WHOLE)))
    assert found.changes == {}
    assert expected(found) == ("0.00", "0.00")


@pytest.mark.parametrize(
    ("name", "changed", "step"),
    [
        ("lm-api", {"cpu": 1.0, "memory": "2Gi"}, "-41.47"),
        ("lm-api", {"scale": WHOLE.services["lm-api"].scale.model_copy(update={"min": 0})}, "-31.10"),
        ("db-api", {"scale": WHOLE.services["db-api"].scale.model_copy(update={"min": 2})}, "20.74"),
        ("db-api", {"scale": WHOLE.services["db-api"].scale.model_copy(update={"max": 9})}, "0.00"),
    ],
)
def test_another_size(name: str, changed: Mapping[str, Any], step: str) -> None:
    other = with_service(name, **changed)
    found = of(plan_up(made_of(other), there(WHOLE)), other)
    assert {address: cents(change.expected) for address, change in found.changes.items()} == {f"app/{name}": step}


def test_drift_is_priced_as_it_was_read() -> None:
    """Somebody made the registry Premium in the portal: going back to Standard saves."""
    observed = there(WHOLE)
    body: Json = {**observed["registry"].body, "sku": {"name": "Premium"}}
    found = of(plan_up(made_of(WHOLE), {**observed, "registry": Observed(body)}))
    assert cents(found.changes["registry"].expected) == "-30.00"
    assert expected(found) == ("-30.00", "-30.00")


def test_taking_it_down_saves_all_of_it() -> None:
    plan = plan_down(made_of(WHOLE), there(WHOLE))
    found = of(plan)
    assert expected(found) == ("-184.95", "-181.17")
    assert found.after.total(Scenario.BUSY).high == 0


def test_a_part_shares_the_grants_with_the_rest() -> None:
    """Of one app alone the whole grant would go to it; of the stack it is used up already."""
    other = with_service("db-api", scale=WHOLE.services["db-api"].scale.model_copy(update={"min": 2}))
    plan = plan_up(made_of(other), there(WHOLE))
    part = Plan(tuple(step for step in plan.steps if step.address == "app/db-api"))
    rest = [resource for resource in made_of(other) if resource.address != "app/db-api"]
    tariff = Tariff(bundled(), usage_by_address(other, SOME_PEOPLE), other.location, True)
    assert expected(bill(part, tariff, rest)) == expected(of(plan, other))


def test_a_kind_that_nobody_priced_is_unknown() -> None:
    orphan = Orphan(address="orphan/x", id="/subscriptions/s/resourceGroups/g/providers/N/t/x", kind=ManagedIdentity)
    plan = plan_up(made_of(WHOLE), {**there(WHOLE), "orphan/x": Observed({})}, [orphan])
    found = of(plan)
    assert found.changes["orphan/x"].unknown
    assert by(found.changes["orphan/x"]) == "cost unknown"


def test_said_in_words() -> None:
    new = of(plan_up(made_of(WHOLE), {}))
    assert in_a_sentence(new) == "cost: +$181.17 to +$184.95 a month, expected, in list prices"
    locally = of(plan_up(made_of(WHOLE), {}), billed=False)
    assert in_a_sentence(locally).endswith("; locally nothing is billed: this is what Azure would bill")
    assert "busy $1,285.04" in list(in_words(new))[1]
    unknown = WHOLE.model_copy(update={"location": "germanywestcentral"})
    assert in_a_sentence(of(plan_up(made_of(unknown), {}), unknown)).startswith("cost: at least +$26.11 a month")


def test_said_as_data() -> None:
    data = as_data(of(plan_up(made_of(WHOLE), {})))
    assert data["after"]["expected"] == {"low": 181.172, "high": 184.952}
    assert Decimal(str(data["steps"]["postgres"]["expected"])) == Decimal("16.09")
    assert data["billed"] is True
