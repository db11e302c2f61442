"""How far an engine is: the messages of its streams as lines for people, one for every change that is worth saying."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from chatops.images.engine import Message

MB = 1_000_000
LAST_LINES = 20
STEPS = 20
MOVING = frozenset({"Pushing", "Downloading"})
THERE = frozenset({"Pushed", "Layer already exists", "Pull complete", "Already exists"})
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STEP = re.compile(r"Step (\d+)/(\d+) : (.*)")


@dataclass
class Layers:
    """The layers of one push or pull; `verb` is "pushing" or "pulling"."""

    verb: str
    there: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    last: str | None = None

    def said(self, message: Message) -> str | None:
        """Return how far the layer of a message is, None when that was said already or it is about no layer."""
        said = self._line(message)
        if said is None or said == self.last:
            return None
        self.last = said
        return said

    def _line(self, message: Message) -> str | None:
        layer, status = str(message.get("id", "")), str(message.get("status", ""))
        if not layer or status.startswith("Pulling from"):
            return None
        self.known.add(layer)
        if status in THERE or status.startswith("Mounted from"):
            self.there.add(layer)
            return f"{self.verb}: {len(self.there)} of {len(self.known)} layers there"
        amount = _amount(message.get("progressDetail")) if status in MOVING else None
        if status.startswith("Retrying"):
            amount = status.lower()
        return amount and f"{self.verb} layer {layer[:8]}: {amount} ({len(self.there)} of {len(self.known)} there)"


def _amount(detail: Any) -> str | None:
    """Say how much of a layer has been moved, in some twenty steps; None for one that is too small to speak of."""
    current, total = (int((detail or {}).get(name) or 0) // MB for name in ("current", "total"))
    if not total:
        return None
    step = max(1, total // STEPS)
    # what is sent is compressed and framed: the engine's count may pass the total
    return f"{min(current // step * step, total)} of {total} MB"


@dataclass
class BuildLog:
    """A build's output: its steps as progress, the rest kept for the case of failure."""

    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    pulled: Layers = field(default_factory=lambda: Layers("pulling"))

    def said(self, message: Message) -> str | None:
        """Return the step that a message begins, or how far a base image's layer is."""
        if "id" in message:
            return self.pulled.said(message)
        for line in _COLOUR.sub("", str(message.get("stream", ""))).splitlines():
            if not line.strip():
                continue
            self.lines.append(line.rstrip())
            if found := _STEP.match(line):
                step, steps, instruction = found.groups()
                return f"step {step} of {steps}: {instruction}"
        return None

    @property
    def end(self) -> str:
        return "\n".join(self.lines)
