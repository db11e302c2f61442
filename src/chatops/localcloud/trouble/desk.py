"""The desk at which trouble is ordered: latency, fault rules, throttling, role delay and the clock of one world.

All of it is kept in the world's store, so that a restarted daemon goes on with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from .. import clock
from ..store import Body, Store
from .latency import MODES, Latency
from .rules import BadRule, Rule
from .throttle import Throttle

SPACE, KEY = "settings", "trouble"
MOST_AHEAD = 10 * 365 * 86_400.0  # seconds
BUCKETS = {"reads", "writes", "deletes"}


class Desk:
    """What is ordered at the moment. `cleared` is set, and replaced, when all faults are taken away."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.latency = Latency(store)
        self.rules: list[Rule] = []
        self.throttle = Throttle()
        self.role_delay = 0.0
        self.cleared = asyncio.Event()
        kept = dict(store.get(SPACE, KEY) or {})
        if ahead := float(kept.pop("ahead", 0)):
            clock.advance(ahead - clock.ahead())
        self.order(kept)

    def order(self, wanted: Mapping[str, Any]) -> None:
        """Change what is named: `latency`, `speed`, `throttle`, `role_delay`; `faults` are added. Raises BadRule."""
        unknown = set(wanted) - {"latency", "speed", "throttle", "role_delay", "faults"}
        if unknown:
            raise BadRule(f"there is no setting {', '.join(sorted(unknown))}")
        mode, speed = wanted.get("latency", self.latency.mode), _number(wanted, "speed", self.latency.speed)
        if mode not in MODES:
            raise BadRule(f"latency is one of {', '.join(MODES)}, not '{mode}'")
        if speed <= 0:
            raise BadRule("speed must be more than 0")
        throttle = _throttle(wanted["throttle"]) if "throttle" in wanted else self.throttle
        rules = [Rule.read(found) for found in wanted.get("faults", ())]
        self.role_delay = _number(wanted, "role_delay", self.role_delay)
        self.latency.mode, self.latency.speed, self.throttle = mode, speed, throttle
        self.rules += rules
        self.keep()

    def clear(self) -> None:
        """Take all faults away, throttling and role delay too; what hangs or never ends goes on."""
        self.rules, self.throttle, self.role_delay = [], Throttle(), 0.0
        self.cleared.set()
        self.cleared = asyncio.Event()
        self.keep()

    def advance(self, seconds: float) -> None:
        """Put the clock ahead. Raises BadRule for what is no time to go ahead by."""
        if not 0 <= seconds <= MOST_AHEAD:
            raise BadRule(f"the clock is put ahead by 0 to {MOST_AHEAD:.0f} seconds at once")
        clock.advance(seconds)
        self.keep()

    def strikes(self, method: str, path: str) -> Rule | None:
        """The first rule that holds for this call. Every rule that matches counts it."""
        matching = [rule for rule in self.rules if rule.concerns(method, path)]
        holding = [rule for rule in matching if rule.strikes()]
        if matching:
            self.keep()
        return holding[0] if holding else None

    async def pause(self, seconds: float) -> None:
        """Wait for so long (0: without end), or until the faults are cleared."""
        ends: list[asyncio.Future[Any]] = [asyncio.ensure_future(self.cleared.wait())]
        if seconds:
            ends.append(asyncio.ensure_future(clock.sleep(seconds)))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()

    def shown(self) -> Body:
        return {
            "latency": self.latency.mode,
            "speed": self.latency.speed,
            "faults": [rule.shown() for rule in self.rules],
            "throttle": {**self.throttle.rates, "burst": self.throttle.burst} if self.throttle.rates else {},
            "role_delay": self.role_delay,
        }

    def keep(self) -> None:
        self._store.put(SPACE, KEY, {**self.shown(), "ahead": clock.ahead()})


def _number(wanted: Mapping[str, Any], name: str, otherwise: float) -> float:
    try:
        return float(wanted.get(name, otherwise))
    except (TypeError, ValueError) as failure:
        raise BadRule(f"{name} must be a number") from failure


def _throttle(wanted: Any) -> Throttle:
    if not isinstance(wanted, dict) or set(wanted) - {*BUCKETS, "burst"}:
        raise BadRule(f"throttle takes {', '.join(sorted(BUCKETS))} (per second) and burst (seconds)")
    rates = {name: _number(wanted, name, 0) for name in wanted if name in BUCKETS}
    if any(rate <= 0 for rate in rates.values()):
        raise BadRule("throttle rates must be more than 0")
    return Throttle(rates, _number(wanted, "burst", Throttle().burst))
