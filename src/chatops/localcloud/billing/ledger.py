"""What was used, by day, resource and meter: in the world's store, so that it outlives daemon and resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ..store import Store

SPACE = "usage"


@dataclass(frozen=True)
class Entry:
    """`quantity` of a meter (in counted things: seconds, hours, requests) that a resource used on a day of UTC."""

    day: date
    resource: str
    meter: str
    quantity: Decimal
    region: str


class Ledger:
    """Adds up in memory and writes to the store with `flush`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fresh: defaultdict[tuple[date, str, str, str], Decimal] = defaultdict(Decimal)

    def add(self, entry: Entry) -> None:
        self._fresh[entry.day, entry.resource, entry.meter, entry.region] += entry.quantity

    def flush(self) -> None:
        """Make it durable."""
        with self._store.together():
            for (day, resource, meter, region), quantity in self._fresh.items():
                key = f"{day.isoformat()}{resource}#{meter}#{region}"
                known = self._store.get(SPACE, key) or {"quantity": "0"}
                self._store.put(SPACE, key, {"quantity": str(Decimal(known["quantity"]) + quantity)})
        self._fresh.clear()

    def between(self, first: date, last: date) -> Iterator[Entry]:
        """Everything that was used on the days from `first` to `last`, both included."""
        self.flush()
        for key, body in self._store.between(SPACE, first.isoformat(), last.isoformat() + "0"):
            day, rest = date.fromisoformat(key[:10]), key[10:]
            resource, meter, region = rest.split("#")
            yield Entry(day, resource, meter, Decimal(body["quantity"]), region)
