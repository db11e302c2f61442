"""A chat as turns: each question with the answer that counts, and what the model is shown of it. Pure functions.

An answer that is followed by another answer was tried again and is superseded. An answer whose writer has been silent
for a while has lost it (a replica was killed): it is cut off, and the page offers another try.
"""

import re
from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid5

from .model import Prompt
from .questions import tokens
from .store import Chat, Message

SILENT = 20.0  # seconds; a writer shows itself every two
Status = Literal["writing", "complete", "stopped", "cut off", "missing"]


@dataclass
class Turn:
    """A question and its answer so far."""

    question: Message
    answer: Message | None = None

    @property
    def text(self) -> str:
        """The answer's text, perhaps empty."""
        return self.answer.content if self.answer else ""

    @property
    def status(self) -> Status:
        """How the answer stands."""
        state, age = (
            (self.answer.state, self.answer.age_seconds) if self.answer else ("writing", self.question.age_seconds)
        )
        if state in ("writing", "stopping") and age < SILENT:
            return "writing"
        if state == "complete":
            return "complete"
        if state == "stopped":
            return "stopped"
        return "cut off" if self.text else "missing"

    @property
    def can_be_tried_again(self) -> bool:
        """Whether the person may ask for another answer."""
        return self.status in ("stopped", "cut off", "missing")

    @property
    def last_id(self) -> UUID:
        """The id of what was said last in this turn."""
        return self.answer.id if self.answer else self.question.id

    @property
    def answer_id(self) -> UUID:
        """The id of the answer that is there, or will be."""
        return self.answer.id if self.answer else answer_id(self.question.id)


def answer_id(follows: UUID) -> UUID:
    """The id of the answer that follows this message: the same request, sent twice, writes the same answer."""
    return uuid5(follows, "answer")


def turns(chat: Chat) -> list[Turn]:
    """The chat's messages as turns, oldest first."""
    result: list[Turn] = []
    for message in chat.messages:
        if message.role == "user":
            result.append(Turn(message))
        elif result:
            result[-1].answer = message
    return result


def prompt(past: list[Turn], question: str, room: int) -> Prompt:
    """What the model is shown: the question, and before it as many of the latest answered turns as `room` tokens hold.

    Roles alternate, as chat templates demand; questions that never got an answer are left out.
    """
    room -= tokens(question)
    shown: Prompt = [_said("user", question)]
    for turn in reversed(past):
        if not turn.text:
            continue
        room -= tokens(turn.question.content) + tokens(turn.text)
        if room < 0:
            break
        shown = [_said("user", turn.question.content), _said("assistant", turn.text), *shown]
    return shown


def _said(role: str, text: str) -> dict[str, str]:
    """Spaced out, text that looks like a template's control token (`<|end|>`) cannot act as one."""
    return {"role": role, "content": re.sub(r"<\|(.{1,40}?)\|>", r"< |\1| >", text)}
