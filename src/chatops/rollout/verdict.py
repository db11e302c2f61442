"""What Azure shows of a revision and its containers, judged: ready, not yet, or never. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from chatops.rollout.revisions import Revision

CRASHES = 3
"""Restarts of one container before it was ever ready, after which its revision is given up."""


class Verdict(Enum):
    """How a revision does."""

    READY = "ready"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True)
class Container:
    """One container of a replica; `details` are Azure's words on how it runs."""

    ready: bool
    restarts: int
    details: str

    @classmethod
    def of(cls, body: dict[str, Any]) -> Container:
        details = str(body.get("runningStateDetails") or "")
        return cls(bool(body.get("ready")), int(body.get("restartCount") or 0), details)


@dataclass(frozen=True)
class Judgement:
    """`why` is what is known of what is wrong, "" when nothing is."""

    outcome: Verdict
    why: str = ""

    @property
    def because(self) -> str:
        """`why` as the end of a sentence."""
        return f": {self.why}" if self.why else ""


def judge(revision: Revision | None, containers: Sequence[Container]) -> Judgement:
    """Judge a revision by its states and containers; None is one that Azure does not show yet."""
    if revision is None:
        return Judgement(Verdict.WAITING)
    why = next((one.details for one in containers if one.details and not one.ready), "")
    crashing = next((one for one in containers if not one.ready and one.restarts >= CRASHES), None)
    if crashing:
        times = f"its container was started {crashing.restarts + 1} times and never became ready"
        return Judgement(Verdict.FAILED, f"crashes: {times}{f', {crashing.details}' if crashing.details else ''}")
    if revision.provisioning == "Failed" or revision.running == "Failed":
        said = why or revision.error.splitlines()[0] if (why or revision.error) else "Azure gives no reason"
        return Judgement(Verdict.FAILED, f"failed to start: {said}")
    asleep = revision.running == "ScaledToZero"
    if (revision.health == "Healthy" or asleep) and revision.provisioning in ("Provisioned", ""):
        return Judgement(Verdict.READY)
    return Judgement(Verdict.WAITING, why)
