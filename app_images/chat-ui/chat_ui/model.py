"""lm-api as chat-ui uses it: any server of the OpenAI chat completions API, always streaming.

Tolerant where servers differ: the first chunk's content may be null, "" or absent, the last one may have no choices, a
server that loads may refuse connections or say 503. https://platform.openai.com/docs/api-reference/chat-streaming
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from .patience import BUSY, Patience, is_away

PATIENCE = 180.0  # seconds until the first word: a model scales from zero and loads meanwhile
SILENCE = 180.0  # seconds between two words
PROMPT_REFUSED = (400, 413, 422)
Waiting = Literal["busy", "away"]
Prompt = list[dict[str, str]]


@dataclass(eq=False)
class ModelError(Exception):
    """There is no answer, or no more of it; the sentence is for the person who asked."""

    sentence: str


class PromptRefused(ModelError):
    """The server did not accept the prompt (4xx), most often because it is longer than its context."""


@dataclass
class _Chunk:
    text: str = ""
    finish: str | None = None
    last: bool = False


class Model:
    """A client of lm-api."""

    def __init__(self, http: httpx.AsyncClient, url: str, name: str, max_tokens: int) -> None:
        self._http = http
        self._url = f"{url}/v1/chat/completions"
        self._settings = {"model": name, "max_tokens": max_tokens, "stream": True}

    async def answer(self, prompt: Prompt, waiting: Callable[[Waiting], None]) -> AsyncGenerator[str]:
        """The answer piece by piece; raises ModelError.

        Until the first piece, a server that is away or busy is tried again for PATIENCE seconds, and `waiting` is told
        why. After it, nothing is repeated: what came stays, and the error says that it is not all.
        """
        trying = Patience(PATIENCE)
        while True:
            begun = False
            try:
                async with aclosing(self._attempt(prompt)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
                return
            except _NotNow as problem:
                waiting(problem.why)
            except httpx.TransportError as error:
                if begun:
                    raise ModelError("The connection to the model broke before the answer was complete.") from error
                waiting("away")
            if trying.ended:
                raise ModelError("The model did not answer in time. Please try again in a moment.")
            await trying.pause()

    async def _attempt(self, prompt: Prompt) -> AsyncGenerator[str]:
        body = self._settings | {"messages": prompt}
        timeout = httpx.Timeout(10.0, read=SILENCE)
        async with self._http.stream("POST", self._url, json=body, timeout=timeout) as reply:
            _check_status(reply)
            finish, empty = None, True
            async for line in _lines(reply):
                chunk = _parse(line)
                finish = chunk.finish or finish
                if chunk.text:
                    empty = False
                    yield chunk.text
                if chunk.last:
                    break
        if finish is None:
            raise _NotNow("away") if empty else ModelError("The model stopped before the answer was complete.")
        if finish == "length":
            raise ModelError("The answer reached its length limit and was cut off there.")


@dataclass(eq=False)
class _NotNow(Exception):
    why: Waiting


def _check_status(reply: httpx.Response) -> None:
    if reply.status_code == BUSY:
        raise _NotNow("busy")
    if is_away(reply):
        raise _NotNow("away")
    if reply.status_code in PROMPT_REFUSED:
        raise PromptRefused("The model did not accept this message. It may be too long for it.")
    if not reply.is_success:
        raise ModelError(f"The model server failed (status {reply.status_code}). Please try again.")


async def _lines(reply: httpx.Response) -> AsyncIterator[str]:
    """The lines of the stream; httpx's own would also split at U+2028 and its like, which JSON may contain."""
    rest = b""
    async for data in reply.aiter_bytes():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")


def _parse(line: str) -> _Chunk:
    """One line of the event stream; comments and blank lines carry nothing."""
    if not line.startswith("data:"):
        return _Chunk()
    data = line.removeprefix("data:").strip()
    if data == "[DONE]":
        return _Chunk(last=True)
    try:
        chunk: dict[str, Any] = json.loads(data)
        choices = chunk.get("choices") or [{}]
        text = (choices[0].get("delta") or {}).get("content") or ""
        return _Chunk(_storable(text), choices[0].get("finish_reason"), "error" in chunk)
    except (ValueError, AttributeError, TypeError) as error:
        raise ModelError("The model sent something that is no answer.") from error


def _storable(text: str) -> str:
    """Without what no database or browser can take: NUL, and halves of characters."""
    return text.replace("\0", "").encode(errors="replace").decode()
