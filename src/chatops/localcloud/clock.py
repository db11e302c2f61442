"""The local cloud's time: the machine's UTC clock, in the spellings that Azure uses."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def iso(moment: datetime | None = None) -> str:
    """`2026-08-01T10:20:30.1234567Z`: ISO 8601 in UTC with Azure's seven digits."""
    return (moment or now()).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def parse(text: str) -> datetime:
    """Read back what `iso` wrote (Python takes six digits at most)."""
    return datetime.fromisoformat(text[:26] + "+00:00")


def epoch(moment: datetime | None = None) -> int:
    """Whole seconds since 1970, as tokens and Key Vault give times."""
    return int((moment or now()).timestamp())
