"""Small stacks to reckon with, and the book of prices that comes with chatops."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from chatops.config.schema import Config
from chatops.cost.estimate import Bounds, Estimate, Scenario
from chatops.cost.prices import bundled
from chatops.costing import Occasion, priced

TODAY = date(2026, 11, 22)
SMALL = {"cpu": 0.25, "memory": "0.5Gi"}
LARGE = {"cpu": 2.0, "memory": "4Gi"}


def config(region: str, **services: dict[str, Any]) -> Config:
    """The three services, each with a minimum of one replica, unless said otherwise."""
    return Config.model_validate({"location": region, "services": services})


def service(size: dict[str, Any], minimum: int = 1, **usage: float) -> dict[str, Any]:
    """One that takes no requests and writes no logs, works for no hours, in one replica: unless said otherwise."""
    quiet = {"hours": 0.0, "average_replicas": 1.0, "requests": 0.0, "logs_gb": 0.0}
    return {**size, "scale": {"min": minimum}, "usage": {**quiet, **usage}}


def apps_alone(estimate: Estimate, scenario: Scenario) -> Bounds:
    """What the container apps cost with their grants, and nothing else of the stack."""
    lines = [line for line in estimate.lines if line.meter.name.startswith("container-apps/")]
    gross = sum((line.cost(scenario) or Decimal(0) for line in lines), Decimal(0))
    of_apps = [grant for grant in estimate.grants if grant.grant.meters[0].startswith("container-apps/")]
    saved = [grant.saves[scenario] or Bounds() for grant in of_apps]
    low = gross - sum((each.high for each in saved), Decimal(0))
    high = gross - sum((each.low for each in saved), Decimal(0))
    return Bounds(low, high)


def cents(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))


def month_of(stack: Config) -> Estimate:
    return priced(stack, Occasion(bundled()))
