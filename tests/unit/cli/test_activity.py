"""How busy an app was, told from Azure Monitor's minutes."""

from __future__ import annotations

import pytest

from chatops.azure.metrics import Minutes
from chatops.cli.activity import cold_starts, in_flight

SINCE = "2026-11-22T08:00:00Z"


def minutes(*numbers: float) -> Minutes:
    return {f"2026-11-22T08:{minute:02}:00Z": number for minute, number in enumerate(numbers)}


def test_in_flight_is_littles_law_on_the_newest_minute() -> None:
    assert in_flight(minutes(600, 120), minutes(100, 2500), SINCE) == pytest.approx(5.0)


def test_nobody_is_in_flight_when_nothing_was_counted_lately() -> None:
    assert in_flight({}, {}, SINCE) == 0
    assert in_flight({"2026-11-22T07:40:00Z": 600}, {"2026-11-22T07:40:00Z": 100}, SINCE) == 0


def test_cold_starts_are_minutes_with_replicas_after_minutes_without() -> None:
    assert cold_starts(minutes(1, 1, 0, 0, 2, 1, 0, 1)) == 2
    assert cold_starts(minutes(1, 5, 1)) == 0
    assert cold_starts({}) == 0
