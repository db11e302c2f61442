"""A bounded number of people who chat on the page, one request after the other, until they are told to stop."""

from __future__ import annotations

import re
import threading
from types import TracebackType
from uuid import uuid4

import httpx

QUESTION = "What is this app?"
PAUSE = 0.3  # seconds between two questions of one visitor
CHATS = 100  # of one visitor before it is another, for db-api keeps at most 200 of one session


class Visitors:
    """Chats in the background while it is entered. `failures` has a line for each request that did not go well."""

    def __init__(self, page: str, users: int) -> None:
        self.requests = 0
        self.answers = 0
        self.failures: list[str] = []
        self._page = page
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit, daemon=True) for _ in range(users)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _visit(self) -> None:
        with httpx.Client(base_url=self._page, headers={"Origin": self._page}, timeout=120, trust_env=False) as client:
            asked = 0
            while not self._stop.wait(PAUSE):
                asked += 1
                if asked % CHATS == 0:
                    client.cookies.clear()
                try:
                    self._converse(client)
                except httpx.HTTPError as error:
                    self._failed(f"{type(error).__name__}: {error}")

    def _converse(self, client: httpx.Client) -> None:
        landing = client.get("/")
        self._count()
        action = re.search(r'id="composer"[^>]*action="([^"]+)"', landing.text)
        if landing.status_code != 200 or action is None:
            self._failed(f"GET /: HTTP {landing.status_code}")
            return
        form = {"message": QUESTION, "message_id": str(uuid4())}
        ended = False
        with client.stream("POST", action[1], data=form, headers={"Accept": "text/event-stream"}) as answer:
            self._count()
            for line in answer.iter_lines():
                ended = ended or '"state": "complete"' in line
        if answer.status_code != 200 or not ended:
            self._failed(f"a question: HTTP {answer.status_code}, {'whole' if ended else 'no whole'} answer")
        else:
            with self._lock:
                self.answers += 1

    def _count(self) -> None:
        with self._lock:
            self.requests += 1

    def _failed(self, what: str) -> None:
        with self._lock:
            self.failures.append(what)
