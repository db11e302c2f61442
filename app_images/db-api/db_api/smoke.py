"""`python -m db_api.smoke`: write a chat through this container, read it back, delete it, and say so in one JSON line.

`{"ok": true, "did": ...}` with exit code 0, or `{"ok": false, "why": ...}` with 1. The chat belongs to a session of
its own, which nobody can guess or list, and is deleted whatever happens in between.
"""

import json
import os
import sys
from http.client import HTTPConnection, HTTPException
from typing import Any
from uuid import uuid4

PATIENCE = 15.0  # seconds for each call
TEXT = "written by the smoke test, deleted at once"


class Unexpected(Exception):
    """A call was answered otherwise than it should be."""


def call(session: str, method: str, path: str, expected: int, body: Any = None) -> Any:
    """One call to the server of this container; its JSON, None when there is none. Raises Unexpected."""
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("CONTAINER_APP_PORT") or "80"), timeout=PATIENCE)
    headers = {"X-Session-Id": session, "Content-Type": "application/json"}
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != expected:
        raise Unexpected(f"{method} {path.partition('?')[0]} was answered with HTTP {answer.status}")
    return json.loads(content) if content else None


def write_and_read() -> None:
    """Raises Unexpected, OSError, HTTPException or ValueError."""
    session, chat, message = f"smoke-{uuid4()}", str(uuid4()), str(uuid4())
    call(session, "POST", "/chats", 201, {"id": chat, "title": "smoke test"})
    try:
        written = {"id": message, "role": "user", "content": TEXT}
        call(session, "POST", f"/chats/{chat}/messages", 201, written)
        read = call(session, "GET", f"/chats/{chat}", 200)["messages"]
        if [one["content"] for one in read] != [TEXT]:
            raise Unexpected("what was read is not what was written")
    finally:
        call(session, "DELETE", f"/chats/{chat}", 204)
    call(session, "GET", f"/chats/{chat}", 404)


def verdict() -> dict[str, object]:
    try:
        write_and_read()
    except (Unexpected, OSError, HTTPException, ValueError, LookupError) as error:
        return {"ok": False, "why": str(error) or type(error).__name__}
    return {"ok": True, "did": "a chat was written, read and deleted"}


if __name__ == "__main__":
    said = verdict()
    print(json.dumps(said))
    sys.exit(0 if said["ok"] else 1)
