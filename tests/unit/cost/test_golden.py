"""Golden vectors, to the cent: a month of 30 days, reckoned by hand from the published rates."""

from __future__ import annotations

from decimal import Decimal

import pytest
from reckoning import LARGE, SMALL, apps_alone, cents, config, month_of, service

from chatops.config.schema import Config
from chatops.cost.estimate import Estimate, Scenario, estimate
from chatops.cost.meter import Charge, Counted, Meter, Replicas
from chatops.cost.prices import bundled
from chatops.cost.usage import Usage

IDLE, EXPECTED = Scenario.IDLE, Scenario.EXPECTED


def three_apps(region: str, **busy: float) -> Config:
    small = service(SMALL, **busy)
    return config(region, ui=small, **{"db-api": small, "lm-api": service(LARGE, **busy)})


def one_app(hours: int) -> Estimate:
    replicas = Replicas(1, 1, 10)
    half = Decimal("0.5")
    meters = (
        Meter("container-apps/vcpu-idle", Counted.IDLE, half / 2, replicas=replicas),
        Meter("container-apps/vcpu-active", Counted.ACTIVE, half / 2, replicas=replicas),
        Meter("container-apps/memory-idle", Counted.IDLE, half, replicas=replicas),
        Meter("container-apps/memory-active", Counted.ACTIVE, half, replicas=replicas),
    )
    usage = {"app/one": Usage(Decimal(hours), Decimal(0), Decimal(0), Decimal(1))}
    return estimate([Charge("app/one", "app", "eastus", meters)], bundled(), usage, "eastus")


def test_one_small_app() -> None:
    assert cents(one_app(0).total(EXPECTED).high) == "4.21"
    assert cents(one_app(24).total(EXPECTED).high) == "14.04"


@pytest.mark.parametrize(
    ("region", "idle", "active"), [("eastus", "56.70", "189.00"), ("westeurope", "75.60", "264.60")]
)
def test_three_apps_that_always_run(region: str, idle: str, active: str) -> None:
    asleep = apps_alone(month_of(three_apps(region)), EXPECTED)
    awake = apps_alone(month_of(three_apps(region, hours=24.0)), EXPECTED)
    assert (cents(asleep.low), cents(asleep.high)) == (idle, idle)
    assert (cents(awake.low), cents(awake.high)) == (active, active)


def test_the_bounds_of_a_grant_whose_order_is_unknown() -> None:
    """lm-api sleeps but for two hours a day: do its seconds or the idle ones of the others use up the grant?"""
    stack = config(
        "eastus",
        ui=service(SMALL),
        **{"db-api": service(SMALL), "lm-api": service(LARGE, 0, hours=2.0)},
    )
    found = apps_alone(month_of(stack), EXPECTED)
    assert (cents(found.low), cents(found.high)) == ("19.22", "23.00")


def test_what_costs_the_same_whoever_comes() -> None:
    found = month_of(Config.model_validate({"location": "eastus", "registry": {"sku": "Basic"}}))
    fixed = {
        line.meter.name: cents(cost)
        for line in found.lines
        if not line.meter.name.startswith("container-apps/") and (cost := line.cost(IDLE))
    }
    assert fixed == {
        "postgresql/Standard_B1ms": "12.41",
        "postgresql/storage": "3.68",
        "registry/Basic": "5.00",
        "load-balancer/rules": "18.25",
        "address/standard": "7.30",
        "dns/private-zone": "0.50",
        "key-vault/operations": "0.02",
    }
    without_vault = [line for line in found.lines if not line.meter.name.startswith(("container-apps/", "key-vault/"))]
    assert cents(sum((line.cost(IDLE) or Decimal(0) for line in without_vault), Decimal(0))) == "47.14"


OVERVIEW = {
    "load balancer": (("load-balancer/rules",), 18),
    "registry": (("registry/Standard",), 19),
    "database": (("postgresql/Standard_B1ms",), 13),
}
"""What the author of the app that this one follows paid a month, in US dollars, by resource."""


@pytest.mark.parametrize("what", OVERVIEW)
def test_the_authors_overview(what: str) -> None:
    """Within a tenth, for what he fixed: a Standard registry, B1ms, a load balancer. He names no region."""
    meters, paid = OVERVIEW[what]
    stack = Config.model_validate({"location": "eastus"})
    found = sum((line.cost(EXPECTED) or 0 for line in month_of(stack).lines if line.meter.name in meters), Decimal(0))
    assert abs(found - paid) <= paid / Decimal(10)


def test_the_authors_apps() -> None:
    """His small app (about 10) and his lm-api (about 50) are what apps cost that idle all month: nobody used his.

    Ours has the same sizes: 0.5 vCPU with 1 GiB, and 2 vCPU with 4 GiB. The free grant is taken off the small one.
    """
    small = service({"cpu": 0.5, "memory": "1Gi"})
    found = month_of(config("eastus", ui=small, **{"db-api": small, "lm-api": service(LARGE)}))
    ui, lm_api = (
        sum((line.cost(EXPECTED) or 0 for line in found.of(address)), Decimal(0))
        for address in ("app/ui", "app/lm-api")
    )
    grants = apps_alone(found, EXPECTED).low - 2 * ui - lm_api
    assert cents(ui + grants) == "10.04"
    assert cents(lm_api) == "46.66"
