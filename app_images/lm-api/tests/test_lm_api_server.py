"""The service over HTTP: answers, streams, parallel slots, cancelling, draining."""

import json
import os
import select
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx

END_TOKEN = 6
SECONDS_TO_END = 120
ENDLESS = {"logit_bias": {str(END_TOKEN): -100}, "stream": True}


def events(response: httpx.Response) -> Iterator[dict]:
    for line in response.iter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))


def text_of(chunks: list[dict]) -> str:
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def endless(lm, stack: ExitStack) -> Iterator[dict]:
    """A stream that would go on to the limit of tokens; its first piece of text has come."""
    body = {"messages": [{"role": "user", "content": "Tell me a story"}], **ENDLESS}
    stream = events(stack.enter_context(lm.client.stream("POST", "/v1/chat/completions", json=body)))
    assert next(stream)["choices"][0]["delta"]["role"] == "assistant"
    assert text_of([next(stream)])
    return stream


def send_endless(lm) -> socket.socket:
    """A client that has asked for a long stream and reads nothing yet."""
    body = json.dumps({"messages": [{"role": "user", "content": "Tell me a story"}], **ENDLESS})
    client = socket.create_connection(("127.0.0.1", lm.port))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: lm-api\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall((head + body).encode())
    return client


def test_plain_answer_has_text_usage_and_the_models_name(lm):
    answer = lm.chat("Hello").json()
    assert answer["choices"][0]["message"]["content"].startswith("Hello!")
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] > 3
    assert answer["model"] == "demo"


def test_streamed_answer_is_the_plain_answer_in_pieces(lm):
    plain = lm.chat("What is a token?").json()["choices"][0]["message"]["content"]
    body = {"messages": [{"role": "user", "content": "What is a token?"}], "temperature": 0, "stream": True}
    with lm.client.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        chunks = list(events(response))
    assert text_of(chunks) == plain
    assert len(chunks) > 10
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_usage_is_streamed_on_request(lm):
    body = {"messages": [{"role": "user", "content": "Hi"}], "stream": True, "stream_options": {"include_usage": True}}
    with lm.client.stream("POST", "/v1/chat/completions", json=body) as response:
        last = list(events(response))[-1]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] > 3


def test_plain_completion_is_served_and_clamped(lm):
    answer = lm.client.post("/v1/completions", json={"prompt": "<|user|>Hello", "max_tokens": 3}).json()
    assert answer["usage"]["completion_tokens"] <= 3


def test_models_lists_the_configured_name(lm):
    assert [model["id"] for model in lm.client.get("/v1/models").json()["data"]] == ["demo"]


def test_parallel_streams_share_the_engines_steps(start_lm):
    lm = start_lm(LM_SLOTS=4, LM_MAX_TOKENS=900)
    lm.wait_for("ready:")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: lm.chat("Tell me a story", logit_bias={str(END_TOKEN): -100}), range(4)))
    assert [answer.json()["usage"]["completion_tokens"] for answer in answers] == [900] * 4
    assert lm.metric("n_busy_slots_per_decode") > 1.5


def test_more_requests_than_slots_are_all_answered_and_health_stays_good(lm):
    with ThreadPoolExecutor(24) as pool:
        asked = [pool.submit(lm.chat, "What is chatops?") for _ in range(24)]
        health = [lm.client.get("/health").status_code for _ in range(10)]
        answers = {future.result().json()["choices"][0]["message"]["content"] for future in asked}
    assert len(answers) == 1
    assert health == [200] * 10


def test_clients_that_go_away_cancel_their_answers(lm):
    before = lm.metric("tokens_predicted_total")
    clients = [send_endless(lm) for _ in range(64)]
    assert clients[0].recv(1)
    for client in clients:
        client.close()
    while lm.metric("requests_processing") or lm.metric("requests_deferred"):
        pass
    assert lm.metric("tokens_predicted_total") - before < 64 * 900 / 2


def test_sigterm_lets_a_running_stream_end_and_exits_0(start_lm):
    lm = start_lm(LM_MAX_TOKENS=400)
    lm.wait_for("ready:")
    with ExitStack() as stack:
        stream = endless(lm, stack)
        lm.process.send_signal(signal.SIGTERM)
        chunks = list(stream)
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["timings"]["predicted_n"] == 400
    code, _, stderr = lm.ended()
    assert (code, stderr) == (0, "")


def engine_of(lm) -> int:
    return int(Path(f"/proc/{lm.process.pid}/task/{lm.process.pid}/children").read_text())


def test_the_engine_does_not_outlive_a_killed_service(start_lm):
    lm = start_lm()
    lm.wait_for("ready:")
    engine = os.pidfd_open(engine_of(lm))
    lm.process.kill()
    assert select.select([engine], [], [], SECONDS_TO_END)[0]
    os.close(engine)


def test_an_engine_that_dies_ends_the_service_with_the_reason(start_lm):
    lm = start_lm()
    lm.wait_for("ready:")
    os.kill(engine_of(lm), signal.SIGKILL)
    code, _, stderr = lm.ended()
    assert code == 1
    assert stderr == "lm-api: the engine ended by itself: exit code -9\n"


def test_no_cross_origin_headers_and_no_other_endpoints(lm):
    response = lm.client.get("/v1/models", headers={"Origin": "https://evil.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]
    statuses = {path: lm.client.get(path).status_code for path in ("/", "/slots", "/props", "/completion", "/tokenize")}
    assert set(statuses.values()) == {404}


def test_the_log_has_one_line_a_request_and_no_message(start_lm):
    lm = start_lm()
    lm.wait_for("ready:")
    lm.chat("my secret is swordfish")
    lm.client.get("/health")
    lm.process.send_signal(signal.SIGTERM)
    code, stdout, stderr = lm.ended()
    assert code == 0
    assert stdout.count("POST /v1/chat/completions 200") == 1
    assert "GET" not in stdout
    assert "swordfish" not in stdout + stderr
