"""What cannot be done, and how the person is told: a status and one plain sentence."""

from dataclasses import dataclass


@dataclass(eq=False)
class Refusal(Exception):
    """A request that is not served; the sentence says why and, where possible, what to do."""

    status: int
    sentence: str
