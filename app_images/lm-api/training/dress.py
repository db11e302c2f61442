"""How people type: other words for the same, fillers, missing words, typing errors, any case, any punctuation."""

import random
import re
from typing import Any

ENDINGS = ("?", "", ".", "!", " ?", "??", "...")
ENDING_WEIGHTS = (45, 38, 8, 5, 2, 1, 1)


class Dresser:
    """Dresses any question of the corpus, on topic or off, so that the dress tells nothing about the answer."""

    def __init__(self, frames: dict[str, Any]) -> None:
        self.synonyms = [
            (re.compile(rf"\b{re.escape(phrase)}(?![\w'])"), others) for phrase, others in frames["short"].items()
        ]
        self.before: list[str] = frames["before"]
        self.after: list[str] = frames["after"]
        self.droppable = frozenset(frames["droppable"])

    def dress(self, question: str, rng: random.Random, *, exact: bool = False) -> str:
        """The question as somebody might type it; `exact` keeps every word, where one letter makes another answer."""
        text = question if exact else self._rephrased(question, rng)
        if len(text.split()) > 2:
            text = self._with_fillers(text, rng)
        if rng.random() < 0.12 and not exact:
            text = mistyped(text, rng)
        return self._cased(text, rng) + rng.choices(ENDINGS, ENDING_WEIGHTS)[0]

    def _rephrased(self, text: str, rng: random.Random) -> str:
        if rng.random() < 0.55:
            text = self._reworded(text, rng)
        if rng.random() < 0.12:
            text = self._shortened(text, rng)
        return text

    def _reworded(self, text: str, rng: random.Random) -> str:
        fitting = [(phrase, others) for phrase, others in self.synonyms if phrase.search(text)]
        for phrase, others in rng.sample(fitting, min(len(fitting), rng.choice((1, 1, 2, 3)))):
            text = phrase.sub(rng.choice(others), text, count=1)
        return text

    def _shortened(self, text: str, rng: random.Random) -> str:
        words = text.split()
        kept = [word for word in words if word not in self.droppable or rng.random() < 0.5]
        return " ".join(kept) if len(kept) > 1 else text

    def _with_fillers(self, text: str, rng: random.Random) -> str:
        if rng.random() < 0.22:
            text = rng.choice(self.before) + rng.choice((", ", " ")) + text
        if rng.random() < 0.12:
            text += rng.choice((" ", " ", ", ")) + rng.choice(self.after)
        return text

    def _cased(self, text: str, rng: random.Random) -> str:
        draw = rng.random()
        if draw < 0.5:
            return text[:1].upper() + text[1:]
        if draw < 0.62:
            return text.lower()
        return text.upper() if draw > 0.985 else text


def mistyped(text: str, rng: random.Random) -> str:
    """The text with one letter lost, doubled, replaced, or swapped with its neighbour."""
    if len(text) < 6:
        return text
    at = rng.randrange(1, len(text) - 2)
    before, letter, following, rest = text[:at], text[at], text[at + 1], text[at + 2 :]
    forms = (following, letter + letter + following, rng.choice("aeiourstnl") + following, following + letter)
    return before + rng.choice(forms) + rest
