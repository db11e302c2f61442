"""What may reach the model: a pure function from a request's bytes to the JSON that the engine gets.

llama.cpp itself answers 200 to empty messages, unknown roles and foreign model names, and lets a client's `max_tokens`
beat the server's; see https://platform.openai.com/docs/api-reference/chat for the fields.
"""

import json
from dataclasses import dataclass
from typing import Any

from lm_api.errors import Refused

ROLES = ("system", "user", "assistant")
MAX_MESSAGES = 512
LIMIT_FIELDS = ("max_completion_tokens", "max_tokens")
SAMPLING_FIELDS = (
    "temperature", "top_p", "top_k", "min_p", "seed", "stop", "presence_penalty", "frequency_penalty",
    "repeat_penalty", "logit_bias", "logprobs", "top_logprobs", "response_format", "stream", "stream_options",
)  # fmt: skip

Json = dict[str, Any]


@dataclass(frozen=True)
class Limits:
    """The one model that is served, and the most tokens that an answer may have."""

    model_name: str
    max_tokens: int


def chat_request(body: bytes, limits: Limits) -> Json:
    """A chat completion request for the engine; raises Refused for anything odd.

    Only fields of the OpenAI API are passed on, `max_tokens` is always set and never above the limit.
    """
    asked = _object(body)
    messages = asked.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("'messages' must be a list with at least one message", param="messages")
    if len(messages) > MAX_MESSAGES:
        raise Refused(f"'messages' holds {len(messages)} messages, at most {MAX_MESSAGES} are read", param="messages")
    sent = [_message(message, index) for index, message in enumerate(messages)]
    if sent[-1]["role"] != "user":
        raise Refused("the last message must be the user's", param=f"messages[{len(sent) - 1}].role")
    return {"messages": sent, **_common(asked, limits)}


def text_request(body: bytes, limits: Limits) -> Json:
    """The same for the plain completion API, whose prompt is one string."""
    asked = _object(body)
    prompt = asked.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise Refused("'prompt' must be a string that is not empty", param="prompt")
    return {"prompt": prompt, **_common(asked, limits)}


def _object(body: bytes) -> Json:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("the body is not JSON") from error
    if not isinstance(asked, dict):
        raise Refused("the body must be a JSON object")
    return asked


def _message(message: object, index: int) -> Json:
    where = f"messages[{index}]"
    if not isinstance(message, dict):
        raise Refused(f"'{where}' must be an object with role and content", param=where)
    role = message.get("role")
    if role not in ROLES:
        raise Refused(f"'{where}.role' must be one of {', '.join(ROLES)}", param=f"{where}.role")
    content = message.get("content")
    text = _joined(content, where) if isinstance(content, list) else content
    if not isinstance(text, str) or not text.strip():
        raise Refused(f"'{where}.content' must be text that is not empty", param=f"{where}.content")
    return {"role": role, "content": text}


def _joined(parts: list[Any], where: str) -> str:
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    if len(texts) != len(parts):
        raise Refused(f"'{where}.content' may hold text parts only", param=f"{where}.content")
    return "\n".join(texts)


def _common(asked: Json, limits: Limits) -> Json:
    model = asked.get("model", limits.model_name)
    if model != limits.model_name:
        raise Refused(f"the model {model!r} is not served here, only {limits.model_name!r}", param="model", status=404)
    if asked.get("n", 1) != 1:
        raise Refused("'n' must be 1: one answer per request", param="n")
    if not isinstance(asked.get("stream", False), bool):
        raise Refused("'stream' must be true or false", param="stream")
    passed = {name: asked[name] for name in SAMPLING_FIELDS if asked.get(name) is not None}
    return {"model": model, "max_tokens": _clamped(asked, limits.max_tokens), **passed}


def _clamped(asked: Json, limit: int) -> int:
    for name in LIMIT_FIELDS:
        value = asked.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise Refused(f"'{name}' must be a whole number from 1", param=name)
        return min(value, limit)
    return limit
