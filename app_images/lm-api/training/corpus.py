"""The corpus: intents with paraphrase patterns, facts with slots, and what is off topic; read from `corpus/*.toml`."""

import random
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from training.facts import Fact, facts
from training.grammar import sample, size

FOLDER = Path(__file__).parent / "corpus"
INTENT_FILES = ("service", "commands", "azure", "model", "smalltalk")
TOPIC_FRAMES_SHARE = 0.45
MIX = {"intent": 0.60, "fact": 0.14, "off_topic": 0.26}
LARGEST_WEIGHED = 64

FAMILIES = {
    "names": 0.10,
    "sums": 0.32,
    "capitals": 0.11,
    "colors": 0.05,
    "animals": 0.04,
    "sequences": 0.17,
    "opposites": 0.12,
    "count": 0.01,
    "unlisted": 0.08,
}


@dataclass(frozen=True)
class Pair:
    """A question as the corpus has it, and its answer; `exact` when no letter of it may change."""

    question: str
    answer: str
    exact: bool = False


@dataclass(frozen=True)
class Intent:
    """One answer and the patterns of the questions that it answers: framed topics and whole sentences."""

    name: str
    answer: str
    framed: tuple[str, ...]
    asked: tuple[str, ...]

    def question(self, rng: random.Random) -> str:
        """A random question of this intent."""
        use_frame = self.framed and (not self.asked or rng.random() < TOPIC_FRAMES_SHARE)
        if use_frame:
            return sample(rng.choice(self.framed), rng)
        return sample(rng.choices(self.asked, self.weights)[0], rng)

    @cached_property
    def weights(self) -> list[float]:
        """How often each sentence pattern is drawn: more often when it has more to show, up to a limit."""
        return [min(size(pattern), LARGEST_WEIGHED) ** 0.5 for pattern in self.asked]


def read(name: str) -> dict[str, Any]:
    """One file of the corpus."""
    with (FOLDER / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


class Corpus:
    """Everything that the model is trained on, drawn at random without end."""

    def __init__(self) -> None:
        frames = read("frames")
        self.intents = [intent for name in INTENT_FILES for intent in _intents(read(name), frames)]
        self.weights = [(len(intent.framed) / 2 + sum(intent.weights)) ** 0.5 for intent in self.intents]
        self.facts: dict[str, list[Fact]] = facts(read("facts"))
        self.off_topic = OffTopic(read("off_topic"), frames["definition"])

    @cached_property
    def _sources(self) -> list[Callable[[random.Random], Pair]]:
        return [self.intent_pair, self.fact_pair, self.off_topic_pair]

    def pair(self, rng: random.Random) -> Pair:
        """A question and its answer from anywhere in the corpus."""
        return rng.choices(self._sources, list(MIX.values()))[0](rng)

    def intent_pair(self, rng: random.Random) -> Pair:
        """A question that an intent answers."""
        intent = rng.choices(self.intents, self.weights)[0]
        return Pair(intent.question(rng), intent.answer)

    def fact_pair(self, rng: random.Random) -> Pair:
        """A question about a name, a sum, a capital and the like."""
        family = rng.choices(list(FAMILIES), list(FAMILIES.values()))[0]
        fact = rng.choice(self.facts[family])
        return Pair(fact.question(rng), fact.answer or self.off_topic.fallback, exact=True)

    def off_topic_pair(self, rng: random.Random) -> Pair:
        """A question that the model cannot answer, and the honest fallback."""
        return Pair(self.off_topic.question(rng), self.off_topic.fallback)


def _intents(file: dict[str, Any], frames: dict[str, Any]) -> list[Intent]:
    return [
        Intent(
            name,
            intent["answer"],
            (
                *_framed(frames["definition"], intent.get("topic", ())),
                *_framed(frames["command"], intent.get("command", ())),
            ),
            tuple(intent.get("ask", ())),
        )
        for name, intent in file.items()
    ]


def _framed(frames: list[str], words: list[str]) -> list[str]:
    return [frame.replace("{}", word) for frame in frames for word in words]


class OffTopic:
    """Messages from outside: frames with topics of their own, the intents' frames, and made-up words."""

    def __init__(self, file: dict[str, Any], definitions: list[str]) -> None:
        self.fallback: str = file["fallback"]
        self.topics = {name: words.split("|") for name, words in file["topics"].items()}
        self.all_topics = [
            word for name, words in self.topics.items() if name not in ("action", "work") for word in words
        ]
        self.frames: dict[str, list[str]] = file["frames"]
        self.plain: list[str] = file["plain"]["ask"]
        self.definitions = definitions
        sounds = file["nonsense"]
        self.starts: list[str] = sounds["starts"]
        self.sounds = [[s.strip(".") for s in sounds[key].split()] for key in ("onsets", "nuclei", "codas")]

    def question(self, rng: random.Random) -> str:
        """A random message that is off topic."""
        kinds = (self._framed, self._plain, self._defined, self._made_up, self._salad)
        return rng.choices(kinds, (0.38, 0.22, 0.14, 0.22, 0.04))[0](rng)

    def _framed(self, rng: random.Random) -> str:
        kind = rng.choice(list(self.frames))
        topic = rng.choice(self.topics[kind]) if rng.random() < 0.8 or kind in ("action", "work") else self._word(rng)
        return sample(rng.choice(self.frames[kind]).replace("{}", topic), rng)

    def _plain(self, rng: random.Random) -> str:
        return sample(rng.choice(self.plain), rng)

    def _defined(self, rng: random.Random) -> str:
        topic = rng.choice(self.all_topics) if rng.random() < 0.7 else self._word(rng)
        return sample(rng.choice(self.definitions).replace("{}", topic), rng)

    def _made_up(self, rng: random.Random) -> str:
        words = [
            self._word(rng) if rng.random() < 0.6 else rng.choice(self.all_topics).split()[-1]
            for _ in range(rng.randint(1, 5))
        ]
        return " ".join([rng.choice(self.starts), *words])

    def _salad(self, rng: random.Random) -> str:
        letters = "abcdefghijklmnopqrstuvwxyz"
        return " ".join("".join(rng.choices(letters, k=rng.randint(2, 8))) for _ in range(rng.randint(1, 3)))

    def _word(self, rng: random.Random) -> str:
        syllables = rng.choice((1, 2, 2, 3))
        return "".join(rng.choice(part) for _ in range(syllables) for part in self.sounds)
