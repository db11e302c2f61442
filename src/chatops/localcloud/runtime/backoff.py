"""How long to wait before something that ended is started again."""

from __future__ import annotations

from dataclasses import dataclass

HEALTHY = 10.0  # seconds of life after which an end counts as the first again
CAP = 60.0


@dataclass
class Backoff:
    """At once, then 1, 2, 4, ... seconds, at most `CAP`; at once again for what lived `HEALTHY` seconds."""

    ends: int = 0

    def after(self, lived: float) -> float:
        """Seconds to wait now, for a process that lived `lived` seconds."""
        self.ends = 1 if lived >= HEALTHY else self.ends + 1
        return 0.0 if self.ends == 1 else min(2.0 ** min(self.ends - 2, 30), CAP)
