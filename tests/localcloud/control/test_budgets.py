"""Budgets: what the service takes, gives back and refuses."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.consumption import ConsumptionManagementClient

from ..conftest import Cloud


@pytest.fixture
def budgets(cloud: Cloud) -> Any:
    return cloud.client(ConsumptionManagementClient).budgets


@pytest.fixture
def scope(cloud: Cloud, group: str) -> str:
    return f"/subscriptions/{cloud.endpoint['subscription']}/resourceGroups/{group}"


def budget(**changed: Any) -> dict[str, Any]:
    notification = {"enabled": True, "operator": "GreaterThan", "threshold": 80, "contactRoles": ["Owner"]}
    properties = {
        "category": "Cost",
        "amount": 100,
        "timeGrain": "Monthly",
        "timePeriod": {"startDate": "2026-11-01T00:00:00Z"},
        "notifications": {"Actual-80": {**notification, "contactEmails": []}},
    }
    return {"properties": properties | changed}


def test_a_budget_lives_and_goes(budgets: Any, scope: str) -> None:
    made = budgets.create_or_update(scope, "month", budget())
    assert (made.amount, made.time_period.end_date.year, made.e_tag[0]) == (100, 2036, '"')
    assert [one.name for one in budgets.list(scope)] == ["month"]
    changed = budgets.create_or_update(scope, "month", budget(amount=120) | {"eTag": made.e_tag})
    assert (changed.amount, budgets.get(scope, "month").e_tag) == (120, changed.e_tag)
    budgets.delete(scope, "month")
    with pytest.raises(ResourceNotFoundError):
        budgets.get(scope, "month")


NOBODY = {"A": {"enabled": True, "operator": "GreaterThan", "threshold": 80, "contactEmails": []}}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"amount": 0}, "greater than 0"),
        ({"category": "Usage"}, "Category"),
        ({"timeGrain": "Weekly"}, "time grain"),
        ({"timePeriod": {"startDate": "2026-11-15T00:00:00Z"}}, "first of a month"),
        ({"timePeriod": {"startDate": "2016-11-01T00:00:00Z"}}, "on or after"),
        ({"timePeriod": {"startDate": "2026-11-01T00:00:00Z", "endDate": "2026-10-01T00:00:00Z"}}, "less than"),
        ({"notifications": NOBODY}, "at least one contact"),
        ({"notifications": {"A": NOBODY["A"] | {"operator": "LessThan"}}}, "operator"),
        ({"notifications": {"A": NOBODY["A"] | {"threshold": 1001}}}, "between 0 and 1000"),
        ({"notifications": {str(n): NOBODY["A"] | {"contactRoles": ["Owner"]} for n in range(6)}}, "at most 5"),
    ],
    ids=range(10),
)
def test_what_is_refused(budgets: Any, scope: str, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(HttpResponseError, match=said) as refused:
        budgets.create_or_update(scope, "bad", budget(**changed))
    assert refused.value.status_code == 400


def test_only_the_newest_is_changed(budgets: Any, scope: str) -> None:
    """Two people change one budget: the second is told."""
    first = budgets.create_or_update(scope, "month", budget())
    budgets.create_or_update(scope, "month", budget(amount=120) | {"eTag": first.e_tag})
    with pytest.raises(HttpResponseError) as refused:
        budgets.create_or_update(scope, "month", budget(amount=130) | {"eTag": first.e_tag})
    assert refused.value.status_code == 412
    budgets.delete(scope, "month")
