"""How long operations and single requests take: nothing on top of the real work, or as long as on the real Azure.

The figures are `latencies.json`, with the source of each; a speed of 20 makes twenty seconds there one second here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..ids import GROUP, parse
from ..polling import Operation
from ..resource_types import ENVIRONMENT
from ..store import Store

MODES = ("none", "recorded")


@cache
def recorded() -> dict[str, Any]:
    """The recorded figures; types in lower case."""
    found: dict[str, Any] = json.loads(files(__package__).joinpath("latencies.json").read_text())
    for part in ("operations", "writes"):
        found[part] = {type.lower(): figure for type, figure in found[part].items()}
    return found


@dataclass
class Latency:
    """`mode` is one of MODES; recorded seconds are divided by `speed`."""

    store: Store
    mode: str = "none"
    speed: float = 1.0

    def operation(self, operation: Operation) -> float:
        """Seconds that this long-running operation takes at least."""
        if self.mode == "none":
            return 0.0
        id = parse(operation.target)
        figures = recorded()["operations"].get(id.type.lower(), {}) if id else {}
        verb = operation.verb
        if id and id.type == GROUP and self.store.records(operation.target, ENVIRONMENT):
            verb = "delete with environment"
        figure = figures.get(verb)
        return float(figure["seconds"]) / self.speed if figure else 0.0

    def request(self, method: str, path: str) -> float:
        """Seconds that one request takes before it is looked at."""
        if self.mode == "none":
            return 0.0
        by_method = recorded()["requests"]
        seconds = by_method.get("poll" if method == "GET" and "operation" in path.lower() else method, 0.0)
        if method in ("PUT", "PATCH") and (id := parse(path)):
            seconds = recorded()["writes"].get(id.type.lower(), seconds)
        return float(seconds) / self.speed
