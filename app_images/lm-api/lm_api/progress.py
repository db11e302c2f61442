"""The progress of a download: one line redrawn on a terminal, a line every tenth of the way in a log."""

import logging
import sys
import time

log = logging.getLogger("lm-api")
REDRAW_SECONDS = 0.2


def megabytes(size: int) -> str:
    """A size in bytes as text, in MB of 1,000,000 bytes."""
    return f"{size / 1e6:,.1f} MB"


class Progress:
    """Bytes done of a total that the server may not have told (None)."""

    def __init__(self, what: str, start: int, total: int | None) -> None:
        self.what = what
        self.done = start
        self.total = total
        self.begun = self.drawn = time.monotonic()
        self.begun_at = start
        self.told = self._tenth()
        log.info("downloading %s, %s", what, self.text())

    def advance(self, size: int) -> None:
        """So many bytes more are on the disk."""
        self.done += size
        if sys.stderr.isatty():
            self._redraw()
        elif self._tenth() > self.told:
            self.told = self._tenth()
            log.info("downloading %s, %s", self.what, self.text())

    def end(self) -> None:
        """The file is whole."""
        if sys.stderr.isatty():
            print(f"\r{self.text():<70}", file=sys.stderr)
        log.info("downloaded %s, %s", self.what, megabytes(self.done))

    def text(self) -> str:
        """How far, and how fast since this run began."""
        speed = (self.done - self.begun_at) / max(time.monotonic() - self.begun, 1e-3)
        if not self.total:
            return f"{megabytes(self.done)}, {megabytes(int(speed))}/s"
        percent = 100 * self.done // self.total
        return f"{percent:3d} % of {megabytes(self.total)}, {megabytes(int(speed))}/s"

    def _tenth(self) -> int:
        return 10 * self.done // self.total if self.total else self.done // 100_000_000

    def _redraw(self) -> None:
        if time.monotonic() - self.drawn >= REDRAW_SECONDS:
            self.drawn = time.monotonic()
            print(f"\r{self.text():<70}", end="", file=sys.stderr, flush=True)
