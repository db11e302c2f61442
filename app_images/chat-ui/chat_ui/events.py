"""An answer as server-sent events, which the page's script reads while they arrive.

    question  {"chat_id", "title", "message_id", "answer_id"}   stored: it will not be lost
    state     {"state": "thinking" | "busy" | "away" | "writing", "text": a sentence}
    token     {"text": the next piece}
    done      {"state": "complete" | "incomplete" | "stopped", "text": a sentence, empty when all is well}

A stream that ends without `done` says that another replica writes this answer: the page will show it.
Comments (`: still here`) in between keep proxies from taking a slow answer for a dead connection.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import json
from collections.abc import AsyncIterator

from starlette.requests import Request

from .answers import Answer, Phase

HEARTBEAT = 10.0  # seconds
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
SENTENCES: dict[Phase, str] = {
    "thinking": "Thinking…",
    "busy": "The model is busy. Your question waits for a free place…",
    "away": "The model is starting. Your question waits for it…",
    "writing": "",
}
ENDINGS = {
    "complete": "",
    "stopped": "You stopped this answer.",
    "incomplete": "This answer was cut off.",
}


def wanted(request: Request) -> bool:
    """Whether the caller reads events; otherwise it is a browser that posts a form and wants a page."""
    return "text/event-stream" in request.headers.get("accept", "")


async def follow(answer: Answer, question: dict[str, str]) -> AsyncIterator[bytes]:
    """The events of one answer until its end, from its beginning whenever one begins to follow."""
    yield event("question", question)
    shown, phase = 0, None
    while True:
        if answer.phase != phase:
            phase = answer.phase
            yield event("state", {"state": phase, "text": SENTENCES[phase]})
        if len(answer.text) > shown:
            piece, shown = answer.text[shown:], len(answer.text)
            yield event("token", {"text": piece})
        elif answer.state in ENDINGS:
            yield event("done", {"state": answer.state, "text": answer.problem or ENDINGS[answer.state]})
            return
        elif not answer.writer:
            return
        elif not await answer.changed(HEARTBEAT):
            yield b": still here\n\n"


def event(name: str, data: dict[str, str]) -> bytes:
    """One event in the wire format."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
