"""The parts that need no server: what the model is shown, titles, markup, and the odd ways in which servers stream."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from chat_ui import events, questions
from chat_ui.answers import Answer
from chat_ui.conversation import prompt, turns
from chat_ui.markup import to_html
from chat_ui.model import Model, ModelError, PromptRefused
from chat_ui.store import Chat, ChatKey, Message

DONE = "data: [DONE]\n\n"
STOP = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'


def word(text: str) -> str:
    return 'data: {"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n' % text  # noqa: UP031


@contextmanager
def openai_server(*replies: tuple[int, str]) -> Iterator[str]:
    """A server that gives these statuses and event streams, one a request."""
    rest = list(replies)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, stream = rest.pop(0)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(stream.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def pieces(url: str, waiting: Callable[[str], None] = lambda _: None) -> list[str]:
    async def read() -> list[str]:
        async with httpx.AsyncClient(trust_env=False) as http:
            return [piece async for piece in Model(http, url, "m", 16).answer([], waiting)]

    return asyncio.run(read())


@pytest.mark.parametrize(
    "stream",
    [
        'data: {"choices":[{"delta":{"role":"assistant","content":null}}]}\n\n' + word("a") + word("b") + STOP + DONE,
        'data: {"choices":[{"delta":{"content":""}}]}\n\n' + word("a") + word("b") + STOP + DONE,
        ": comment\n\n" + word("ab") + STOP + 'data: {"choices":[],"usage":{"total_tokens":3}}\n\n' + DONE,
        (word("a") + word("b") + STOP + DONE).replace("\n", "\r\n"),
        word("ab") + STOP,
        word("a\\u0000b") + STOP,
        word("ab") + STOP + DONE + word("after the end"),
    ],
)
def test_the_dialects_of_streaming_servers(stream: str) -> None:
    with openai_server((200, stream)) as url:
        assert "".join(pieces(url)) == "ab"


def test_half_a_character_is_marked_not_passed_on() -> None:
    with openai_server((200, word("a\\ud83d") + STOP + DONE)) as url:
        assert pieces(url) == ["a?"]


def test_line_separators_inside_the_text_are_text() -> None:
    with openai_server((200, word("a\u2028b\x85c") + STOP + DONE)) as url:
        assert pieces(url) == ["a\u2028b\x85c"]


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (word("a"), "stopped before"),
        (word("a") + DONE, "stopped before"),
        (word("a") + 'data: {"error":{"message":"boom"}}\n\n', "stopped before"),
        (word("a") + "data: {nonsense\n\n", "no answer"),
        (word("a") + 'data: {"choices":[{"delta":{},"finish_reason":"length"}]}\n\n' + DONE, "length limit"),
    ],
)
def test_an_answer_that_is_not_whole_is_an_error_in_words(stream: str, sentence: str) -> None:
    with openai_server((200, stream)) as url, pytest.raises(ModelError) as error:
        pieces(url)
    assert sentence in error.value.sentence


def test_busy_and_away_servers_are_asked_again() -> None:
    why: list[str] = []
    good = (200, word("ab") + STOP + DONE)
    with openai_server((429, ""), (503, ""), (502, ""), (200, ""), good) as url:
        assert pieces(url, why.append) == ["ab"]
    assert why == ["busy", "away", "away", "away"]


@pytest.mark.parametrize(("status", "kind"), [(400, PromptRefused), (404, ModelError), (500, ModelError)])
def test_other_refusals_are_final(status: int, kind: type[ModelError]) -> None:
    with openai_server((status, "")) as url, pytest.raises(ModelError) as error:
        pieces(url)
    assert type(error.value) is kind


def chat(*said: tuple[str, str, str], age: float = 0) -> Chat:
    messages = [
        Message(id=uuid.uuid4(), role=role, content=content, state=state, age_seconds=age)
        for role, content, state in said
    ]
    return Chat(id=uuid.uuid4(), title="t", messages=messages)


LONG_AGO = chat(
    ("user", "one", "complete"),
    ("assistant", "cut", "incomplete"),
    ("assistant", "first answer", "complete"),
    ("user", "never answered", "complete"),
    ("user", "two", "complete"),
    ("assistant", "second", "writing"),
    age=60,
)


def test_a_later_answer_supersedes_and_a_silent_writer_has_lost_its_answer() -> None:
    assert [(t.question.content, t.text, t.status) for t in turns(LONG_AGO)] == [
        ("one", "first answer", "complete"),
        ("never answered", "", "missing"),
        ("two", "second", "cut off"),
    ]


def test_the_model_is_shown_alternating_roles_ending_with_the_question() -> None:
    shown = prompt(turns(LONG_AGO), "three", room=1000)
    assert [m["content"] for m in shown] == ["one", "first answer", "two", "second", "three"]
    assert [m["role"] for m in shown] == ["user", "assistant"] * 2 + ["user"]


@pytest.mark.parametrize("room", range(0, 200, 10))
def test_the_history_is_cut_to_the_room_that_there_is(room: int) -> None:
    shown = prompt(turns(LONG_AGO), "three", room)
    assert shown[-1]["content"] == "three"
    assert len(shown) == 1 or sum(questions.tokens(m["content"]) for m in shown) <= room
    assert shown == prompt(turns(LONG_AGO), "three", 1000)[-len(shown) :]


def test_text_cannot_act_as_a_control_token() -> None:
    assert prompt([], "a <|end|><|assistant|> b", 100)[0]["content"] == "a < |end| >< |assistant| > b"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("short", "short"),
        ("two\n  lines", "two lines"),
        ("word " * 20, "word word word word word word word word word word word word…"),
        ("x" * 70, "x" * 60 + "…"),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert questions.title(text) == title


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** `code`", "<p><strong>bold</strong> <code>code</code></p>\n"),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>\n"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("![a](https://x.example/i.png)", '<p>!<a href="https://x.example/i.png">a</a></p>\n'),
        ("", ""),
    ],
)
def test_markup_is_made_here_or_escaped(text: str, html: str) -> None:
    assert str(to_html(text)) == html


def test_a_slow_answer_keeps_the_connection_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.001)

    async def follow() -> list[bytes]:
        answer = Answer(ChatKey("session", uuid.uuid4()), uuid.uuid4())
        answer.writer = asyncio.current_task()
        seen = []
        async for event in events.follow(answer, {}):
            seen.append(event)
            if event.startswith(b":"):
                answer.add("word")
                answer.end("complete")
        return seen

    kinds = [event.split(b"\n")[0] for event in asyncio.run(follow())]
    assert kinds == [
        b"event: question",
        b"event: state",
        b": still here",
        b"event: state",
        b"event: token",
        b"event: done",
    ]
