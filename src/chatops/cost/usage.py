"""How much a stack is used: what was said of each app, and what follows from people and hours where nothing was said.

The assumptions are few and are printed with every estimate. Twenty tokens a second were measured (a 0.4 G model,
2 vCPU): 200 tokens take 10 seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from chatops.cost.meter import Replicas

USERS, HOURS = Decimal(10), Decimal(8)
QUESTIONS = Decimal(10)
"""That a user asks in an hour."""
ANSWER_SECONDS = Decimal(10)
"""That an answer keeps each app of the chain at work."""
REQUESTS = Decimal(3)
"""From outside for one question: the question, its stream, the page that shows it."""
LOG_KB = Decimal(1)
"""For one request in each app: its line of the access log, with the columns that Azure adds."""
IMAGES_GB = Decimal(5)
KB_IN_GB = Decimal(1_000_000)
UNITS = {
    "hours": "hours a day",
    "average_replicas": "replicas",
    "requests": "requests a day",
    "logs_gb": "GB of logs a month",
}


@dataclass(frozen=True)
class People:
    """Who uses the stack: so many at a time, so many hours a day."""

    users: Decimal = USERS
    hours: Decimal = HOURS

    @property
    def questions(self) -> Decimal:
        """That all of them ask in a day."""
        return self.users * self.hours * QUESTIONS

    @property
    def at_a_time(self) -> Decimal:
        """Answers that are being written at once, on average, while people are there."""
        return self.users * QUESTIONS * ANSWER_SECONDS / 3600


SOME_PEOPLE = People()


@dataclass(frozen=True)
class Usage:
    """Of one app: hours a day at work, replicas meanwhile, requests from outside a day, GB of logs a month (30 days).

    `replicas` None: as many as its scale rule makes of the `at_a_time` requests.
    """

    hours: Decimal
    requests: Decimal
    logs_gb: Decimal
    replicas: Decimal | None = None
    at_a_time: Decimal = Decimal(0)

    def replicas_of(self, bounds: Replicas) -> Decimal:
        """Return how many replicas work while there is work, within the bounds."""
        wanted = self.replicas
        if wanted is None:
            wanted = (self.at_a_time / bounds.concurrency).to_integral_value(ROUND_CEILING)
        return min(max(wanted, Decimal(max(bounds.minimum, 1 if self.hours else 0))), Decimal(bounds.maximum))


NONE = Usage(Decimal(0), Decimal(0), Decimal(0))


@dataclass(frozen=True)
class Said:
    """What the operator said of one app; None where nothing was said."""

    hours: Decimal | None = None
    average_replicas: Decimal | None = None
    requests: Decimal | None = None
    logs_gb: Decimal | None = None


def usage_of(people: People, said: Said) -> Usage:
    """Return the usage of one app: what was said of it, the rest from the people."""
    requests = people.questions * REQUESTS if said.requests is None else said.requests
    logs = requests * 30 * LOG_KB / KB_IN_GB if said.logs_gb is None else said.logs_gb
    hours = people.hours if said.hours is None else said.hours
    return Usage(hours, requests, logs, said.average_replicas, people.at_a_time)


def assumptions(people: People, said: Mapping[str, Said]) -> Sequence[str]:
    """Return what an estimate takes for granted, in words."""
    lines = [
        f"{_plain(people.users)} people at a time, {_plain(people.hours)} hours a day, every day; each asks "
        f"{QUESTIONS} times an hour, an answer takes {ANSWER_SECONDS} s (--users, --hours, or usage: in the YAML file)",
        f"a question is {REQUESTS} requests from outside, a request {LOG_KB} kB of logs in each app",
        "while people are there an app is billed as active all the time, in as many replicas as its scale rule wants; "
        "then the minimum is billed as idle",
        f"images take {IMAGES_GB} GB in the registry; the vault answers 200 look-ups a day",
    ]
    return [*lines, *(f"{name}: {_words(it)}, from the YAML file" for name, it in said.items() if it != Said())]


def _words(said: Said) -> str:
    return ", ".join(f"{_plain(value)} {UNITS[name]}" for name, value in vars(said).items() if value is not None)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
