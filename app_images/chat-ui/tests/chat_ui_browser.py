"""A browser without a screen: keeps the cookie, posts the page's forms, reads the events of an answer."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

STREAM = {"Accept": "text/event-stream"}
Event = tuple[str, dict[str, str]]


class Browser:
    """One session of the page, and its chat."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=240, trust_env=False)
        self.chat = str(uuid.uuid4())
        self._is_new = True

    def close(self) -> None:
        """Go away."""
        self.http.close()

    @property
    def path(self) -> str:
        """The address of the chat."""
        return f"/chats/{self.chat}"

    @contextmanager
    def asking(self, text: str, message_id: str | None = None, to: str = "messages") -> Iterator[Iterator[Event]]:
        """Send a message and read the events of its answer as they come."""
        form = {"message": text, "message_id": message_id or str(uuid.uuid4())}
        query = {"new": "1"} if self._is_new else {}
        with self.http.stream("POST", f"{self.path}/{to}", params=query, data=form, headers=STREAM) as reply:
            if reply.status_code != 200:
                reply.read()
            reply.raise_for_status()
            self._is_new = False
            yield _events(reply)

    def ask(self, text: str, message_id: str | None = None) -> list[Event]:
        """Send a message and wait for all of its answer's events."""
        with self.asking(text, message_id) as events:
            return list(events)

    def refusal(self, text: str, **form: str) -> httpx.Response:
        """Send a message that should not be accepted."""
        return self.http.post(f"{self.path}/messages?new=1", data={"message": text} | form, headers=STREAM)

    def page(self) -> str:
        """The chat's page."""
        reply = self.http.get(self.path)
        assert reply.status_code == 200
        return reply.text


def _events(reply: httpx.Response) -> Iterator[Event]:
    name = ""
    for line in reply.iter_lines():
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


def text_of(events: list[Event]) -> str:
    """The answer that the events carry."""
    return "".join(data["text"] for name, data in events if name == "token")
