"""Reads from the public retail price list: no login, patient with 429 and 5xx, never for longer than a few minutes."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from email.message import Message
from http.client import IncompleteRead
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from chatops.errors import CloudError, NotReachable

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further attempt, when the answer does not say."""
SILENT_FROM = 4.0
"""Whoever does not answer at all is not waited for as long as that."""
LONGEST_PAUSE = 60.0
TIMEOUT = 30.0
SAME = "check the network, then run the same command again; the prices stay as they were"
RETRIED = frozenset({408, 429, 500, 502, 503, 504})


def fetch(url: str, ca_file: str | None = None, pause: Callable[[float], None] = time.sleep) -> bytes:
    """Return the answer to a GET. Raises CloudError, or NotReachable, after a few attempts."""
    if not url.startswith("https://"):
        raise CloudError("reading retail prices", f"{url} is not an https URL")
    pauses = iter(PAUSES)
    while True:
        try:
            return _get(url, ca_file)
        except HTTPError as error:
            seconds = next(pauses, None) if error.code in RETRIED else None
            if seconds is None:
                raise _failed(error) from error
            pause(_asked(error.headers) or seconds)
        except (URLError, TimeoutError, ConnectionError, IncompleteRead) as error:
            seconds = next(pauses, SILENT_FROM)
            if seconds >= SILENT_FROM:
                raise _silent(error) from error
            pause(seconds)


def _get(url: str, ca_file: str | None) -> bytes:
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "chatops"})  # noqa: S310
    with urlopen(request, timeout=TIMEOUT, context=ssl.create_default_context(cafile=ca_file)) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


def _asked(headers: Message) -> float | None:
    """Return how long the answer asks to wait, at most a minute."""
    said = headers.get("Retry-After", "")
    return min(float(said), LONGEST_PAUSE) if said.replace(".", "", 1).isdigit() else None


def _silent(error: Exception) -> NotReachable:
    reason = error.reason if isinstance(error, URLError) else error
    return NotReachable("reading retail prices", f"no answer ({reason})", hint=SAME)


def _failed(error: HTTPError) -> CloudError:
    return CloudError(
        "reading retail prices",
        f"the price list answered {error.code}",
        status=error.code,
        hint="try again later; the prices stay as they were",
    )
