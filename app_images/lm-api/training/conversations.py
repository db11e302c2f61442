"""Conversations as token sequences: one or more turns, at times a system message, a name told and asked for later."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from training.corpus import Corpus, Pair, read
from training.dress import Dresser
from training.grammar import sample
from training.questions import normalized
from training.tokenizer import Tokenizer

SYSTEM_MESSAGES = (
    "You are a helpful assistant.",
    "You are a friendly assistant. Answer briefly.",
    "Be short.",
    "You are the assistant of a small chat app.",
    "You are a helpful assistant. Answer in a few words.",
    "You answer questions about chatops.",
)
SYSTEM_SHARE = 0.25
NAME_SHARE = 0.11
NAMELESS_SHARE = 0.02
TURNS = (1, 1, 1, 1, 2, 2, 3, 4)
NO_NAME = "You did not tell me your name yet."


@dataclass
class Tokens:
    """Token ids, and for each whether the model is to learn to say it."""

    ids: list[int] = field(default_factory=list)
    learned: list[bool] = field(default_factory=list)

    def add(self, ids: list[int], learned: bool) -> None:
        """Append ids, all to be learned or none."""
        self.ids += ids
        self.learned += [learned] * len(ids)


class Conversations:
    """Endless training conversations; a question of the evaluation never occurs in one."""

    def __init__(self, tokenizer: Tokenizer, rng: random.Random, kept_out: frozenset[str]) -> None:
        self.tokenizer = tokenizer
        self.rng = rng
        self.kept_out = kept_out
        self.corpus = Corpus()
        self.dresser = Dresser(read("frames"))
        self.recall: list[str] = read("facts")["names_recall"]

    def __iter__(self) -> Iterator[Tokens]:
        while True:
            yield self._tokens(self._turns())

    def _turns(self) -> list[Pair]:
        if self.rng.random() < NAME_SHARE:
            return self._named_turns()
        turns = [self.corpus.pair(self.rng) for _ in range(self.rng.choice(TURNS))]
        if self.rng.random() < NAMELESS_SHARE and not any(turn.answer.startswith("Nice to meet") for turn in turns):
            turns.append(Pair(sample(self.rng.choice(self.recall), self.rng), NO_NAME))
        return turns

    def _named_turns(self) -> list[Pair]:
        fact = self.rng.choice(self.corpus.facts["names"])
        name = fact.answer.removeprefix("Nice to meet you, ").rstrip("!")
        before = [self.corpus.intent_pair(self.rng)] if self.rng.random() < 0.2 else []
        between = [self.corpus.pair(self.rng) for _ in range(self.rng.choice((0, 1, 1, 2, 2, 3)))]
        between = [turn for turn in between if not turn.answer.startswith("Nice to meet")]
        asked = Pair(sample(self.rng.choice(self.recall), self.rng), f"Your name is {name}.")
        return [*before, Pair(fact.question(self.rng), fact.answer, exact=True), *between, asked]

    def _tokens(self, turns: list[Pair]) -> Tokens:
        ids, encode = self.tokenizer.ids, self.tokenizer.encode
        tokens = Tokens()
        tokens.add([ids["<s>"]], learned=False)
        if self.rng.random() < SYSTEM_SHARE:
            tokens.add([ids["<|system|>"], *encode(self.rng.choice(SYSTEM_MESSAGES)), ids["<|end|>"]], learned=False)
        for turn in turns:
            question = self.dresser.dress(turn.question, self.rng, exact=turn.exact)
            if normalized(question) in self.kept_out or normalized(turn.question) in self.kept_out:
                continue
            tokens.add([ids["<|user|>"], *encode(question), ids["<|end|>"], ids["<|assistant|>"]], learned=False)
            tokens.add([*encode(turn.answer), ids["<|end|>"]], learned=True)
        return tokens
