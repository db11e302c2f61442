"""Paraphrase patterns: `(a|b)` is one of them, `[a|b]` is one of them or nothing, nested as one likes."""

import random
import re
from dataclasses import dataclass, field
from functools import cache
from math import prod


@dataclass(frozen=True)
class Choice:
    """Alternatives, each a sequence of parts; an optional choice has the empty sequence among them."""

    sequences: tuple[tuple["str | Choice", ...], ...]


@dataclass
class _Reader:
    text: str
    at: int = 0
    tokens: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = re.findall(r"[()\[\]|]|[^()\[\]|]+", self.text)

    def choice(self, closing: str) -> Choice:
        sequences: list[tuple[str | Choice, ...]] = []
        parts: list[str | Choice] = []
        while self.at < len(self.tokens) and self.tokens[self.at] != closing:
            piece = self.tokens[self.at]
            self.at += 1
            if piece == "|":
                sequences.append(tuple(parts))
                parts = []
            elif piece in "([":
                inner = self.choice({"(": ")", "[": "]"}[piece])
                parts.append(inner if piece == "(" else Choice((*inner.sequences, ())))
            else:
                parts.append(piece)
        if closing and self.at >= len(self.tokens):
            raise ValueError(f"'{closing}' is missing in {self.text!r}")
        self.at += 1
        return Choice((*sequences, tuple(parts)))


@cache
def parse(pattern: str) -> Choice:
    """The pattern as a tree; raises ValueError for a bracket that is not closed."""
    return _Reader(pattern).choice("")


def sample(pattern: str, rng: random.Random) -> str:
    """One sentence of the pattern, in single spaces."""
    return tidy(_sampled(parse(pattern), rng))


def _sampled(choice: Choice, rng: random.Random) -> str:
    parts = rng.choice(choice.sequences)
    return "".join(part if isinstance(part, str) else _sampled(part, rng) for part in parts)


@cache
def size(pattern: str) -> int:
    """How many sentences the pattern gives, those that come about twice counted twice."""
    return _size(parse(pattern))


def _size(choice: Choice) -> int:
    return sum(prod(_size(part) for part in parts if isinstance(part, Choice)) for parts in choice.sequences)


def tidy(sentence: str) -> str:
    """The sentence without the gaps that optional words leave."""
    return re.sub(r" ([,'])", r"\1", " ".join(sentence.split()))
