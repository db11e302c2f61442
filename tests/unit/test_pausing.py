"""What a pause saves: all that replicas and the server's compute cost, nothing of what goes on being billed."""

from __future__ import annotations

from decimal import Decimal

from chatops.config.schema import Config
from chatops.cost.estimate import Scenario
from chatops.cost.prices import bundled
from chatops.costing import Occasion, priced, saved_by_pausing

OCCASION = Occasion(bundled())


def test_a_pause_saves_apps_and_compute_but_not_storage_registry_and_network() -> None:
    config = Config(location="westeurope")
    saved = saved_by_pausing(config, OCCASION)
    month = priced(config, OCCASION)
    lines = {line.meter.name: line.cost(Scenario.EXPECTED) or Decimal(0) for line in month.of("postgres")}
    apps = [line.cost(Scenario.EXPECTED) or Decimal(0) for name in config.services for line in month.of(f"app/{name}")]
    assert saved is not None
    assert lines["postgresql/Standard_B1ms"] < saved * 30 <= lines["postgresql/Standard_B1ms"] + sum(apps)


def test_nobody_says_what_is_saved_where_a_price_is_missing() -> None:
    assert saved_by_pausing(Config(location="nowhereland"), OCCASION) is None
