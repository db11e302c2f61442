"""What Azure counts on a resource, as plain data: which meter, in what it is counted, and how much of it.

A kind says this of itself from its body alone. How much of it a month brings (hours of work, requests, logs) is the
business of the usage; what a unit costs is the business of the prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

ONE, NOTHING = Decimal(1), Decimal(0)


class Counted(StrEnum):
    """What a meter runs with."""

    HOURS = "hours of the month"
    DAYS = "days of the month"
    MONTHS = "months"
    IDLE = "seconds that replicas run at the minimum and have nothing to do"
    ACTIVE = "seconds that replicas work"
    REQUESTS = "requests from outside"
    LOGS = "GB of logs"
    IMAGES = "GB of images"


@dataclass(frozen=True)
class Replicas:
    """How many replicas an app may have, and how many requests at a time each of them takes."""

    minimum: int
    maximum: int
    concurrency: int


NO_REPLICAS = Replicas(0, 0, 1)


@dataclass(frozen=True)
class Meter:
    """One thing that is billed.

    `name` is a key of the price book ("container-apps/vcpu-active"), `amount` how many of its units each counted thing
    is (2 vCPU seconds for each second of a replica), `included` how many units a month come with the resource. `cap` is
    the most that is counted a day. A `doubtful` meter is one that Azure's documents do not clearly charge: it is told,
    not added.
    """

    name: str
    counted: Counted
    amount: Decimal = ONE
    included: Decimal = NOTHING
    replicas: Replicas = NO_REPLICAS
    cap: Decimal | None = None
    note: str = ""
    doubtful: bool = False


Meters = tuple[Meter, ...]

NO_CHARGE: Meters = ()
"""Of a kind that Azure documents as free."""

UNPRICED: Meters = (Meter("unpriced", Counted.MONTHS, note="chatops does not know what this kind costs"),)
"""Of a kind that nobody has looked up: told as unknown, never as free."""


@runtime_checkable
class Priced(Protocol):
    """A resource that can say what it is billed by."""

    @property
    def address(self) -> str: ...

    @property
    def label(self) -> str: ...

    def meters(self, body: Any) -> Meters:
        """Return the meters of the resource with this body, in wire names: a desired one, or one that was read."""


@dataclass(frozen=True)
class Charge:
    """What one resource is billed by. `region` is Azure's name of where it is."""

    address: str
    label: str
    region: str
    meters: Meters


def number(value: Any) -> Decimal:
    """Return what a body says ("0.5", 0.5, "1Gi", None) as a number; None is 0."""
    return Decimal(str(value or 0).removesuffix("Gi"))
