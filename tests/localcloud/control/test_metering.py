"""The meter's own time: what a machine that sleeps is billed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatops.localcloud import clock
from chatops.localcloud.billing.ledger import Ledger
from chatops.localcloud.billing.meter import Metering
from chatops.localcloud.store import Record, Store


def test_a_machine_that_sleeps_is_billed_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "world.db")
    type = "Microsoft.Network/dnsZones"
    id = f"/subscriptions/s/resourceGroups/g/providers/{type}/chat.example"
    store.save(Record(id, type, {"id": id, "location": "eastus"}))
    # nothing runs here: what exists is metered
    world = SimpleNamespace(store=store, ledger=Ledger(store), runtime=SimpleNamespace(activity=list))
    metering = Metering(world)  # type: ignore[arg-type]
    later = clock.wall() + timedelta(hours=8)
    monkeypatch.setattr(clock, "wall", lambda: later)
    metering.look()
    (entry,) = world.ledger.between(later.date(), later.date())
    assert Decimal(0) < entry.quantity * 28 * 86_400 < 600  # seconds; it slept 28,800
