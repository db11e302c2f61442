"""The operator's own limit on waiting."""

from __future__ import annotations

import os


def at_most(seconds: float) -> float:
    """Return `seconds`, or CHATOPS_DEADLINE (seconds) when that is less: the operator's own limit for any one wait."""
    limit = os.environ.get("CHATOPS_DEADLINE", "")
    return min(seconds, float(limit)) if limit.replace(".", "", 1).isdigit() else seconds
