"""The evaluation's questions, and the comparison that keeps them out of training."""

import re
import tomllib
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "evaluation"


def read_evaluation(name: str) -> dict[str, Any]:
    """One file of the evaluation: "rewordings" or "off_topic"."""
    with (FOLDER / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)


def normalized(question: str) -> str:
    """A question without case, punctuation and spacing, so that two that differ only there are the same."""
    return " ".join(re.sub(r"[^a-z0-9+ ]", "", question.lower()).split())


def kept_out() -> frozenset[str]:
    """All single questions of the evaluation, normalized; none may occur in training."""
    rewordings, off_topic = read_evaluation("rewordings"), read_evaluation("off_topic")
    known = [question for part in rewordings.values() for questions in part.values() for question in questions]
    return frozenset(normalized(question) for question in [*known, *off_topic["trial"], *off_topic["own"]])
