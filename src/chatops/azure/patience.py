"""How long chatops is patient: with calls that fail for the moment, with silence, and with operations that do not end.

Reads are repeated here, a few times and never for minutes. A write is sent once: whether it may be sent again is only
known after the resource has been read back, and that is the engine's business.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

from azure.core.pipeline.policies import RetryPolicy

from chatops.errors import Interrupted

READS = frozenset({"GET", "HEAD", "OPTIONS"})
# POSTs that change nothing
READING_POSTS = ("/sharedkeys", "/listbuildsourceuploadurl", "/listlogsasurl", "/listsecrets", "/token", "/exchange")
RETRIED = frozenset({408, 429, 500, 502, 503, 504})
LONGEST_PAUSE = 60.0
"""Seconds. Whoever asks for a longer pause is not waited for."""
TOLD_FROM = 2.0
CONNECT_SECONDS = 10.0
READ_SECONDS = 90.0
"""Azure's gateway gives up after 60."""


class Patience(RetryPolicy[Any, Any]):
    """The retry policy of every SDK client: reads are tried five times more, writes never. `stop` ends a pause."""

    def __init__(self, stop: Event, tell: Callable[[str], None]) -> None:
        super().__init__(retry_total=5, retry_status=5, retry_backoff_factor=0.25, retry_backoff_max=8)
        self._stop = stop
        self._tell = tell

    def _is_method_retryable(self, settings: dict[str, Any], request: Any, response: Any = None) -> bool:
        path = request.url.split("?")[0].lower()
        return request.method in READS or (request.method == "POST" and path.endswith(READING_POSTS))

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        answer = response.http_response
        if answer.status_code not in RETRIED or not self._is_method_retryable(settings, response.http_request):
            return False
        waited = settings.setdefault("waited", 0.0) + (self.get_retry_after(response) or 0.0)
        return bool(waited <= LONGEST_PAUSE)

    def sleep(self, settings: dict[str, Any], transport: Any, response: Any = None) -> None:
        asked = self.get_retry_after(response) if response else None
        seconds = asked or self.get_backoff_time(settings)
        settings["waited"] = settings.get("waited", 0.0) + seconds
        if seconds >= TOLD_FROM:
            why = f"answered {response.http_response.status_code}" if response else "did not answer"
            self._tell(f"Azure {why}; asking again in {seconds:.0f} s")
        if self._stop.wait(seconds):
            raise Interrupted("interrupted", hint="the same command goes on from here")
