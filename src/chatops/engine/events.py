"""What happens while a plan is applied, one value an event; views draw them, the engine only tells."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.engine.plan import Step


@dataclass(frozen=True)
class Started:
    step: Step


@dataclass(frozen=True)
class Progress:
    step: Step
    message: str
    seconds: float


@dataclass(frozen=True)
class Succeeded:
    step: Step
    seconds: float


@dataclass(frozen=True)
class Failed:
    step: Step
    seconds: float
    error: Exception


@dataclass(frozen=True)
class Skipped:
    """Not begun: something it needs failed, or the run was interrupted."""

    step: Step
    because: str


@dataclass(frozen=True)
class LeftRunning:
    """Begun, but not waited for: the run was interrupted and the cloud goes on with the operation."""

    step: Step
    seconds: float


Event = Started | Progress | Succeeded | Failed | Skipped | LeftRunning
