"""Ctrl-C and SIGTERM while something is applied: the first one asks to stop in order, the second one ends at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from chatops.errors import Interrupted

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping_on_signals(stop: Event) -> Iterator[None]:
    """Set `stop` on the first signal instead of raising KeyboardInterrupt wherever the main thread happens to be."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(Interrupted.exit_code)
        stop.set()

    before = {number: signal.signal(number, ask) for number in STOPPING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
