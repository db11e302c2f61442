"""Moves an app's traffic to a revision that has passed the gate: at once, or step by step with a look at its errors."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chatops.errors import Interrupted
from chatops.rollout.gate import Candidate
from chatops.rollout.metrics import Requests, requests_of
from chatops.rollout.standing import pinned_to, with_labels

ALL_AT_ONCE = (100,)
TOLERATED = 0.01
"""The share of answers with status 5xx that a revision may have, or as many as the one before it has."""


@dataclass(frozen=True)
class Shift:
    """The weights that the new revision gets one after the other, the last 100, and the seconds between two."""

    weights: tuple[int, ...] = ALL_AT_ONCE
    pause: float = 180.0


def shift(candidate: Candidate, before: str, how: Shift) -> None:
    """Move the traffic from `before` to the candidate. Raises GateFailed when it fails its users; see `errors_of`."""
    for weight in how.weights:
        began = datetime.now(UTC)
        candidate.report(f"{candidate.name}: {weight} % of the traffic")
        give(candidate, _split(before, candidate.name, weight))
        if weight < 100:
            _watch(candidate, how.pause, weight)
            errors_of(candidate, before, began, weight)


def give(candidate: Candidate, traffic: list[dict[str, Any]]) -> None:
    """Set the app's traffic, in Multiple mode. Labels stay."""
    app = candidate.place.app(candidate.azure) or {}
    configuration = {"activeRevisionsMode": "Multiple", "ingress": {"traffic": with_labels(traffic, app)}}
    candidate.place.patch(
        candidate.azure, {"location": app.get("location"), "properties": {"configuration": configuration}}
    )


def _split(before: str, new: str, weight: int) -> list[dict[str, Any]]:
    if weight >= 100:
        return pinned_to(new)
    return [{"revisionName": before, "weight": 100 - weight}, {"revisionName": new, "weight": weight}]


def _watch(candidate: Candidate, seconds: float, weight: int) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        candidate.report(f"{candidate.name}: {weight} % of the traffic, looking at its errors in {left:.0f} s")
        if candidate.azure.stop.wait(min(left, 1.0)):
            raise Interrupted(f"stopped while {candidate.name} had {weight} % of the traffic")


def errors_of(candidate: Candidate, before: str, since: datetime, weight: int) -> None:
    """Raise GateFailed when the candidate answered too many requests with 5xx since then, by Azure Monitor."""
    seen = requests_of(candidate.azure, candidate.place, since)
    new, old = seen.get(candidate.name, Requests()), seen.get(before, Requests())
    if new.total == 0:
        candidate.azure.tell(f"{candidate.place.name}: Azure Monitor counts no request to {candidate.name} yet")
        return
    if new.failed and new.rate > max(TOLERATED, old.rate):
        share = f"{new.failed} of {new.total} requests with a status of 5xx"
        raise candidate.failed(f"answered {share} at {weight} % of the traffic")
    candidate.azure.tell(
        f"{candidate.place.name}: {candidate.name} at {weight} %: {new.total} requests, {new.failed} failed"
    )
