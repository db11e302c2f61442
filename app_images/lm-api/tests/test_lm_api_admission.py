"""What may reach the model, as a table; then the same refusals over HTTP, with the clamp seen in the answer."""

import json

import httpx
import pytest
from lm_api.admission import Limits, chat_request, text_request
from lm_api.errors import Refused

LIMITS = Limits(model_name="demo", max_tokens=256)
USER = {"role": "user", "content": "Hello"}


def asked(**fields) -> dict:
    return chat_request(json.dumps({"messages": [USER], **fields}).encode(), LIMITS)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, 256),
        ({"max_tokens": 5000}, 256),
        ({"max_tokens": 12}, 12),
        ({"max_tokens": 256}, 256),
        ({"max_completion_tokens": 9}, 9),
        ({"max_completion_tokens": 9999, "max_tokens": 7}, 256),
        ({"max_tokens": None}, 256),
        ({"n_predict": 100000}, 256),
    ],
)
def test_max_tokens_is_always_sent_and_clamped(fields, sent):
    body = asked(**fields)
    assert body["max_tokens"] == sent
    assert not {"max_completion_tokens", "n_predict"} & set(body)


def test_only_fields_of_the_api_are_passed_on():
    body = asked(
        temperature=0.2, stop=["x"], stream=True, id_slot=3, cache_prompt=False, grammar="root ::= x", seed=None
    )
    assert set(body) == {"messages", "model", "max_tokens", "temperature", "stop", "stream"}


def test_text_parts_are_joined():
    body = asked(messages=[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}])
    assert body["messages"] == [{"role": "user", "content": "a\nb"}]


REFUSED = [
    ({"messages": []}, "messages", "at least one"),
    ({"messages": None}, "messages", "list"),
    ({"messages": "Hello"}, "messages", "list"),
    ({"messages": ["Hello"]}, "messages[0]", "object"),
    ({"messages": [USER] * 513}, "messages", "513"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role", "system, user, assistant"),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role", "system, user, assistant"),
    ({"messages": [{"content": "x"}]}, "messages[0].role", "role"),
    ({"messages": [{"role": "user", "content": None}]}, "messages[0].content", "not empty"),
    ({"messages": [{"role": "user", "content": "  \n"}]}, "messages[0].content", "not empty"),
    ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content", "text"),
    ({"messages": [USER, {"role": "assistant", "content": "Hi"}]}, "messages[1].role", "last"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        "messages[0].content",
        "text parts only",
    ),
    ({"messages": [USER], "max_tokens": 0}, "max_tokens", "from 1"),
    ({"messages": [USER], "max_tokens": -1}, "max_tokens", "from 1"),
    ({"messages": [USER], "max_tokens": True}, "max_tokens", "from 1"),
    ({"messages": [USER], "max_tokens": "20"}, "max_tokens", "from 1"),
    ({"messages": [USER], "max_tokens": 1.5}, "max_tokens", "from 1"),
    ({"messages": [USER], "n": 2}, "n", "one answer"),
    ({"messages": [USER], "stream": "yes"}, "stream", "true or false"),
    ({"messages": [USER], "model": "gpt-4"}, "model", "'demo'"),
    ([], None, "object"),
]


@pytest.mark.parametrize(("body", "param", "words"), REFUSED)
def test_odd_requests_are_refused_with_the_field_at_fault(body, param, words):
    with pytest.raises(Refused) as caught:
        chat_request(json.dumps(body).encode(), LIMITS)
    assert caught.value.param == param
    assert words in caught.value.message
    assert caught.value.status == (404 if param == "model" else 400)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_json_is_refused(body):
    with pytest.raises(Refused, match="not JSON"):
        chat_request(body, LIMITS)


@pytest.mark.parametrize("prompt", [None, "", " ", ["a", "b"], [1, 2]])
def test_odd_prompts_are_refused(prompt):
    with pytest.raises(Refused, match="'prompt'"):
        text_request(json.dumps({"prompt": prompt}).encode(), LIMITS)


def test_refusals_over_http_carry_the_openai_envelope_and_cost_no_token(lm):
    before = lm.metric("prompt_tokens_total")
    for body, param, _ in REFUSED:
        answer = lm.client.post("/v1/chat/completions", json=body)
        assert answer.status_code in (400, 404)
        assert answer.json()["error"]["param"] == param
    assert lm.metric("prompt_tokens_total") == before


def test_the_clamp_is_seen_in_the_answer(start_lm):
    lm = start_lm(LM_MAX_TOKENS=5)
    lm.wait_for("ready:")
    answer = lm.chat("Tell me a story", max_tokens=5000).json()
    assert answer["usage"]["completion_tokens"] == 5
    assert answer["choices"][0]["finish_reason"] == "length"


def test_a_prompt_longer_than_the_context_is_an_error_of_the_client(lm):
    answer = lm.chat("token " * 3000)
    assert answer.status_code == 400
    assert "context" in answer.json()["error"]["message"]


def test_a_body_of_megabytes_is_refused(lm):
    answer = lm.chat("x" * 1_100_000)
    assert answer.status_code == 413


def test_a_get_where_a_post_belongs(lm):
    answer = httpx.get(f"{lm.url}/v1/chat/completions", trust_env=False, timeout=120)
    assert answer.status_code == 405
    assert answer.json()["error"]["message"] == "Method Not Allowed"
