"""`python -m chat_ui.smoke`: ask this container for its page, as a browser would, and say in one JSON line how it went.

`{"ok": true, "did": ...}` with exit code 0, or `{"ok": false, "why": ...}` with 1. The page is that of a new visitor;
nothing is stored for it. Rendering it asks db-api for the visitor's chats, so the way there is tried as well.
"""

import json
import os
import sys
from http.client import HTTPConnection, HTTPException

PATIENCE = 30.0  # seconds
FIELD = b'id="message"'


def page() -> dict[str, object]:
    """The verdict on `GET /`."""
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("CONTAINER_APP_PORT") or "80"), timeout=PATIENCE)
    try:
        connection.request("GET", "/", headers={"Accept": "text/html"})
        answer = connection.getresponse()
        html = answer.read()
    except TimeoutError:
        return {"ok": False, "why": f"the page did not come within {PATIENCE:g} s"}
    except (OSError, HTTPException) as error:
        return {"ok": False, "why": f"the page did not come: {type(error).__name__}: {error}"}
    finally:
        connection.close()
    if answer.status != 200:
        return {"ok": False, "why": f"the page was answered with HTTP {answer.status}"}
    if FIELD not in html:
        return {"ok": False, "why": "the page has no field to write a message in"}
    return {"ok": True, "did": f"the page came, {len(html)} bytes of it"}


if __name__ == "__main__":
    verdict = page()
    print(json.dumps(verdict))
    sys.exit(0 if verdict["ok"] else 1)
