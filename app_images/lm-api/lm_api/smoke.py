"""`python -m lm_api.smoke`: ask this container for one real token of a chat, and print one line of JSON about it.

`{"ok": true, "did": ...}` with exit code 0, or `{"ok": false, "why": ...}` with 1. Run inside a new revision before
anybody's question reaches it: a server that is up may still have a model that answers nothing.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from http.client import HTTPException

QUESTION = "What is this app?"
TOKENS = 8
SILENCE = 45.0  # seconds without a byte, after which the model is taken for mute


def first_token(lines: Iterable[bytes]) -> str:
    """The first text in a stream of chat completion chunks, "" when it ends without any."""
    for line in lines:
        data = line.decode().removeprefix("data:").strip()
        if not line.startswith(b"data:") or data == "[DONE]":
            continue
        for choice in json.loads(data).get("choices", []):
            if text := choice.get("delta", {}).get("content"):
                return str(text)
    return ""


def ask() -> dict[str, object]:
    """The verdict: one streamed answer, read as far as its first token."""
    port = int(os.environ.get("CONTAINER_APP_PORT") or 80)
    body = {
        "model": os.environ.get("LM_MODEL_NAME") or "demo",
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": TOKENS,
        "stream": True,
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    began = time.monotonic()
    try:
        with direct.open(request, timeout=SILENCE) as answer:
            token = first_token(answer)
    except urllib.error.HTTPError as error:
        return {"ok": False, "why": f"a chat was answered with HTTP {error.code}"}
    except TimeoutError:
        return {"ok": False, "why": f"a chat got no answer within {SILENCE:g} s"}
    except (OSError, HTTPException, ValueError) as error:
        return {"ok": False, "why": f"a chat failed: {type(error).__name__}: {error}"}
    if not token:
        return {"ok": False, "why": "the model answered nothing"}
    return {"ok": True, "did": f"a chat's first token after {time.monotonic() - began:.2f} s"}


if __name__ == "__main__":
    verdict = ask()
    print(json.dumps(verdict))
    sys.exit(0 if verdict["ok"] else 1)
