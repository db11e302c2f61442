"""One line of JSON: whether a user of this container would get a word."""

from __future__ import annotations

import json
import os
from http.client import HTTPConnection

connection = HTTPConnection("127.0.0.1", int(os.environ["CONTAINER_APP_PORT"]), timeout=20)
connection.request("GET", "/")
answer = connection.getresponse()
said = answer.read().decode()
why = f"HTTP {answer.status}" if answer.status != 200 else "" if said else "an empty answer"
print(json.dumps({"ok": not why, "why": why, "did": f"it says {said}"}))
