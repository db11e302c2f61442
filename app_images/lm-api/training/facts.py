"""Facts with slots: names, sums, capitals, colors, sounds, days and months, opposites, counting.

Small closed sets: a model of this size can know them all, and says so honestly about the countries and the
arithmetic that it does not know.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from training.grammar import sample

SUM_LIMIT = 10


@dataclass(frozen=True)
class Fact:
    """One answer, and patterns of questions in which its slots are filled already."""

    patterns: tuple[str, ...]
    answer: str

    def question(self, rng: random.Random) -> str:
        """A random question about this fact."""
        return sample(rng.choice(self.patterns), rng)


def facts(file: dict[str, Any]) -> dict[str, list[Fact]]:
    """The families of facts; those of "unlisted" have no answer of their own."""
    return {
        "names": [Fact(_fill(file["names_ask"], n), f"Nice to meet you, {n}!") for n in file["names"].split()],
        "sums": list(_sums(file["sums_ask"])),
        "capitals": [
            Fact(_fill(file["capitals_ask"], country), f"The capital of {country} is {city}.")
            for country, city in file["capitals"].items()
        ],
        "colors": [
            Fact(_fill(file["colors_ask"], what), f"{what.capitalize()} is {color}.")
            for what, color in file["colors"].items()
        ],
        "animals": [
            Fact(_fill(file["animals_ask"], animal), f"{animal.capitalize()} says {sound}.")
            for animal, sound in file["animals"].items()
        ],
        "sequences": list(_sequences(file)),
        "opposites": list(_opposites(file)),
        "count": [
            Fact(_fill(file["count_ask"], str(to)), ", ".join(map(str, range(1, to + 1))) + ".")
            for to in file["count_to"]
        ],
        "unlisted": list(_unlisted(file)),
    }


def _fill(patterns: list[str], *values: str) -> tuple[str, ...]:
    return tuple(pattern.format(*values) for pattern in patterns)


def _sums(patterns: list[str]) -> Iterator[Fact]:
    for a in range(SUM_LIMIT + 1):
        for b in range(SUM_LIMIT + 1):
            yield Fact(_fill(patterns, str(a), str(b)), f"{a} plus {b} is {a + b}.")


def _sequences(file: dict[str, Any]) -> Iterator[Fact]:
    for unit, names in file["sequences"].items():
        after = [pattern.replace("{unit}", unit) for pattern in file["after_ask"]]
        before = [pattern.replace("{unit}", unit) for pattern in file["before_ask"]]
        for index, name in enumerate(names):
            yield Fact(_fill(after, name), f"{names[(index + 1) % len(names)]} comes after {name}.")
            yield Fact(_fill(before, name), f"{names[index - 1]} comes before {name}.")


def _opposites(file: dict[str, Any]) -> Iterator[Fact]:
    for one, other in file["opposites"].items():
        for word, opposite in ((one, other), (other, one)):
            yield Fact(_fill(file["opposites_ask"], word), f"The opposite of {word} is {opposite}.")


def _unlisted(file: dict[str, Any]) -> Iterator[Fact]:
    for country in file["unlisted_countries"].split():
        yield Fact(_fill(file["capitals_ask"], country), "")
    for a in range(0, 100, 3):
        for b in range(2, 30, 5):
            yield Fact(tuple(p.replace("{}", str(a), 1).replace("{}", str(b), 1) for p in file["other_arithmetic"]), "")
