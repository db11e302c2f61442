"""What may stop a plan before it starts: a budget that it is expected to pass."""

from __future__ import annotations

from decimal import Decimal

from chatops.config.schema import Budget
from chatops.cost.change import Bill
from chatops.cost.estimate import Scenario
from chatops.errors import ChatopsError
from chatops.views.money import cents


def require_budget(budget: Budget | None, bill: Bill) -> None:
    """Raises ChatopsError where the expected month passes the budget, and this plan makes it dearer."""
    month, more = bill.after.total(Scenario.EXPECTED), bill.more(Scenario.EXPECTED)
    if budget is None or month.high <= budget.amount or more.high <= 0:
        return
    least = "at least " if bill.after.at_least(Scenario.EXPECTED) else ""
    expected, allowed = cents(month.high), cents(Decimal(budget.amount))
    raise ChatopsError(
        f"a month would cost {least}{expected}, more than the budget of {allowed}: nothing was changed",
        hint="chatops cost shows where it goes; raise budget.amount, or --over-budget goes on",
    )
