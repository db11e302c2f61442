"""Where text for people goes: a terminal as wide as it is, anything else as plain lines that nothing breaks."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console

PLAIN_WIDTH = 250


def console(file: TextIO | None = None, *, stderr: bool = False) -> Console:
    """Return a console that shows text as it is: no colours by guess, no `:key:` turned into a picture."""
    made = Console(file=file, stderr=stderr, highlight=False, emoji=False, soft_wrap=True)
    if not made.is_terminal:
        made.width = PLAIN_WIDTH
    return made
