"""The conditions of this world: limits of the subscription that an operator sets to rehearse them.

Kept in the store, read by the control plane, set through `PUT /_local/settings`. Unknown names are refused.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from .store import Body, Store

SPACE, KEY = "settings", "conditions"
TRIALS = ("FreeTrial", "AzurePass", "DreamSpark", "AzureForStudents")
"""How the quota ids of offers begin whose registries do not build."""


@dataclass(frozen=True)
class Conditions:
    """What differs from a subscription without limits.

    `restricted_regions`: resource type -> regions that refuse it. `quotas`: resource type -> how many may exist in one
    region. `taken_names`: resource type -> names that belong to somebody else. `directory_delay`: seconds until the
    directory knows a principal that was just made. `held`: resource types whose operations stay under way.
    `delegations`: domain -> where its registrar delegates it instead of to this world's zones: the absolute path of a
    zone file, or host:port of a name server. `offer`: the subscription's quota id; registries of a trial do not build.
    """

    restricted_regions: dict[str, list[str]] = field(default_factory=dict)
    quotas: dict[str, int] = field(default_factory=dict)
    taken_names: dict[str, list[str]] = field(default_factory=dict)
    directory_delay: float = 0
    held: list[str] = field(default_factory=list)
    delegations: dict[str, str] = field(default_factory=dict)
    offer: str = "PayAsYouGo_2014-09-01"

    @property
    def is_trial(self) -> bool:
        return self.offer.startswith(TRIALS)

    def restricts(self, type: str, region: str) -> bool:
        regions = _of(self.restricted_regions, type, [])
        return region.replace(" ", "").lower() in (one.replace(" ", "").lower() for one in regions)

    def quota(self, type: str) -> int | None:
        found: int | None = _of(self.quotas, type, None)
        return found

    def taken(self, type: str, name: str) -> bool:
        return name.lower() in (one.lower() for one in _of(self.taken_names, type, []))

    def holds(self, type: str) -> bool:
        return type.lower() in (one.lower() for one in self.held)


_SHAPES: dict[str, type | tuple[type, ...]] = {
    "restricted_regions": dict,
    "quotas": dict,
    "taken_names": dict,
    "directory_delay": (int, float),
    "held": list,
    "delegations": dict,
    "offer": str,
}


def _of(table: dict[str, Any], type: str, otherwise: Any) -> Any:
    return next((value for name, value in table.items() if name.lower() == type.lower()), otherwise)


def parse(wanted: Body) -> Conditions:
    """Conditions from JSON; ValueError for an unknown name or a value of another type."""
    for name, value in wanted.items():
        if name not in _SHAPES:
            raise ValueError(f"there is no setting '{name}': one of {', '.join(_SHAPES)}")
        if not isinstance(value, _SHAPES[name]):
            raise ValueError(f"'{name}' has a value of the wrong type")
        if isinstance(value, dict) and name == "delegations":
            _check_delegations(value)
        elif isinstance(value, dict):
            _check_values(name, value.values())
    return Conditions(**wanted)


def _check_values(name: str, values: Sequence[object] | Any) -> None:
    right: type = int if name == "quotas" else list
    if not all(isinstance(value, right) for value in values):
        raise ValueError(f"'{name}' needs a {right.__name__} for each resource type")


def _check_delegations(places: Body) -> None:
    for domain, place in places.items():
        if not re.fullmatch(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+", domain, re.IGNORECASE):
            raise ValueError(f"'{domain}' is no domain that a registrar could delegate")
        if not re.fullmatch(r"/.+|[\w.]+:\d{1,5}", str(place)):
            raise ValueError(f"'{place}' is neither the absolute path of a zone file nor host:port of a name server")


class Switchboard:
    """The conditions that hold now, kept across restarts; whoever waits for a change is woken."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed = asyncio.Event()
        self.now = parse(store.get(SPACE, KEY) or {})

    def set(self, wanted: Body) -> Body:
        """Replace the conditions; what is left out goes back to no limit. Returns all of them."""
        self.now = parse(wanted)
        self._store.put(SPACE, KEY, asdict(self.now))
        self._changed.set()
        self._changed = asyncio.Event()
        return self.shown()

    def shown(self) -> Body:
        return asdict(self.now)

    async def released(self, type: str) -> None:
        """Return once operations on this resource type may go on."""
        while self.now.holds(type):
            await self._changed.wait()
