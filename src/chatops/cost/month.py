"""The month that is billed: Azure's price pages take 730 hours and 30 days; a month of the calendar has its own."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from chatops.errors import UsageError

SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Month:
    """A time that is billed: `hours` counts for what is billed by the hour, `days` by the day or the second.

    A part of a month has fractions, of `months` too.
    """

    name: str
    days: Decimal | int
    hours: Decimal | int
    months: Decimal | int = 1

    @property
    def seconds(self) -> Decimal:
        return Decimal(self.days * SECONDS_A_DAY)


USUAL = Month("a month of 30 days, 730 hours", 30, 730)
"""As Azure's pricing pages and calculator reckon."""


def part(start: datetime, end: datetime) -> Month:
    """Return what of the calendar month of `start` lies between the two moments."""
    seconds = Decimal(str((end - start).total_seconds()))
    whole = calendar.monthrange(start.year, start.month)[1] * SECONDS_A_DAY
    name = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
    return Month(name, seconds / SECONDS_A_DAY, seconds / 3600, seconds / whole)


def month_of(text: str) -> Month:
    """Return a month of the calendar, "2027-02". Raises UsageError for anything else."""
    found = re.fullmatch(r"([12]\d{3})-(0[1-9]|1[0-2])", text)
    if not found:
        raise UsageError(f'"{text}" is no month', hint="write year and month, as in 2027-02")
    days = calendar.monthrange(int(found[1]), int(found[2]))[1]
    return Month(text, days, 24 * days)
