"""What runs and what exists, looked at every second and written into the ledger in Azure's meters.

A replica is idle in a second in which its revision ran no more than its minimum and no request was in it; Azure also
wants next to no CPU and network traffic, which is not measured here. What exists is metered while the daemon runs:
a laptop that sleeps is billed nothing.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal

from .. import clock
from ..control.regions import flat
from ..resource_types import ENVIRONMENT, PRIVATE_ZONE, PUBLIC_ZONE, REGISTRY, SERVER, WORKSPACE
from ..runtime.spec import Activity
from ..store import Record
from ..world import World
from .ledger import Entry

LOOK = 1.0  # seconds
FLUSH_EVERY = 10  # looks
GB = Decimal(10) ** 9

Per = Literal["hour", "day", "month"]
Rate = tuple[str, str, int, Per]
"""Whose (a resource's id), which meter, and how much of it per what."""


def _environment(record: Record) -> Iterator[Rate]:
    """The load balancers and addresses that Azure puts into a group of their own for an environment in a network."""
    network = record.properties.get("vnetConfiguration") or {}
    if not network.get("infrastructureSubnetId"):
        return
    subscription, group = record.id.split("/")[2], record.properties["infrastructureResourceGroup"]
    ours = f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
    balancers, addresses = (2, 1) if network.get("internal") else (1, 2)
    yield f"{ours}/loadBalancers/capp-svc-lb", "load-balancer/rules", balancers, "hour"
    yield f"{ours}/publicIPAddresses/capp-svc-ip", "address/standard", addresses, "hour"


def _server(record: Record) -> Iterator[Rate]:
    yield record.id, "postgresql/storage", int(record.properties["storage"]["storageSizeGB"]), "month"
    if record.properties.get("state") == "Ready":
        yield record.id, f"postgresql/{record.body['sku']['name']}", 1, "hour"


def _registry(record: Record) -> Iterator[Rate]:
    yield record.id, f"registry/{record.body['sku']['name']}", 1, "day"


def _zone(meter: str) -> Callable[[Record], Iterator[Rate]]:
    def rates(record: Record) -> Iterator[Rate]:
        yield record.id, meter, 1, "month"

    return rates


RATES: Mapping[str, Callable[[Record], Iterator[Rate]]] = {
    ENVIRONMENT: _environment,
    SERVER: _server,
    REGISTRY: _registry,
    PRIVATE_ZONE: _zone("dns/private-zone"),
    PUBLIC_ZONE: _zone("dns/public-zone"),
}
"""Resource type -> what it is billed for as long as it exists."""


def _seconds(per: Per, now: datetime) -> int:
    days = {"hour": 0, "day": 1, "month": calendar.monthrange(now.year, now.month)[1]}[per]
    return days * 86_400 or 3600


async def meter(world: World) -> None:
    """For ever."""
    await Metering(world).run()


class Metering:
    """Looks until it is stopped. Needs a running event loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ledger = world.ledger
        self._last = clock.awake()

    async def run(self) -> None:
        """For ever."""
        self._last = clock.awake()
        while True:
            for _ in range(FLUSH_EVERY):
                await clock.sleep(LOOK)
                self.look()
            self._ledger.flush()

    def look(self) -> None:
        """Enter what was used since the last look."""
        now, moment = clock.now(), clock.awake()
        seconds, self._last = Decimal(str(moment - self._last)), moment
        for type, rates in RATES.items():
            for record in self._world.store.records(type=type):
                for resource, meter, amount, per in rates(record):
                    self._enter(now, resource, meter, amount * seconds / _seconds(per, now), record)
        for activity in self._world.runtime.activity():
            self._app(now, activity, seconds)

    def _app(self, now: datetime, activity: Activity, seconds: Decimal) -> None:
        record = self._world.store.find(activity.app)
        if record is None:
            return
        for work in activity.work:
            for state, replicas in (("idle", work.idle), ("active", work.active)):
                vcpu, memory = Decimal(str(work.cpu)), Decimal(str(work.memory_gib))
                self._enter(now, record.id, f"container-apps/vcpu-{state}", replicas * vcpu * seconds, record)
                self._enter(now, record.id, f"container-apps/memory-{state}", replicas * memory * seconds, record)
        self._enter(now, record.id, "container-apps/requests", Decimal(activity.outside), record)
        if workspace := self._workspace(activity.environment):
            self._enter(now, workspace.id, "logs/ingestion", activity.logged / GB, workspace)

    def _workspace(self, environment: str) -> Record | None:
        record = self._world.store.find(environment)
        logs = (record.properties.get("appLogsConfiguration") or {}) if record else {}
        customer = (logs.get("logAnalyticsConfiguration") or {}).get("customerId")
        workspaces = self._world.store.records(type=WORKSPACE)
        return next((one for one in workspaces if one.properties["customerId"] == customer), None)

    def _enter(self, now: datetime, resource: str, meter: str, quantity: Decimal, where: Record) -> None:
        if quantity:
            self._ledger.add(Entry(now.date(), resource, meter, quantity, self._region(where)))

    def _region(self, record: Record) -> str:
        """Where it is billed: what is global, in its group's region."""
        said = flat(str(record.body.get("location", "")))
        group = self._world.store.find(record.id.split("/providers/")[0]) if said == "global" else None
        return flat(str(group.body["location"])) if group else said
