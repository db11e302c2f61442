"""By what a local cloud knows its own containers and networks again, among those of everybody else on the engine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

HOME = "chatops.home"


@dataclass(frozen=True)
class Owner:
    """The local cloud in one folder. Two cannot run on the same folder; its path outlives the world in it."""

    home: Path

    @property
    def labels(self) -> dict[str, str]:
        return {HOME: str(self.home)}

    @property
    def mark(self) -> str:
        """Six hexadecimal digits of the folder's path."""
        return hashlib.sha256(str(self.home).encode()).hexdigest()[:6]

    def name(self, of: str) -> str:
        """A name on the engine: `chatops-<mark>-<of>`."""
        return f"chatops-{self.mark}-{of}"
