"""The journal of calls: there before whoever called can know that the call is over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from chatops.localcloud.journal import Calls, Journal

pytestmark = pytest.mark.anyio


def head(status: int, length: int | None) -> Message:
    headers = [] if length is None else [(b"content-length", str(length).encode())]
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(*, more: bool) -> Message:
    return {"type": "http.response.body", "body": b"", "more_body": more}


@pytest.mark.parametrize(
    ("method", "messages", "written"),
    [
        ("PUT", [head(201, 0), body(more=False)], [True, True]),  # the head tells all
        ("DELETE", [head(204, None), body(more=False)], [True, True]),
        ("HEAD", [head(200, 5), body(more=False)], [True, True]),
        ("GET", [head(200, 5), body(more=False)], [False, True]),
        ("GET", [head(200, None), body(more=True), body(more=False)], [False, False, True]),
    ],
)
async def test_a_call_is_written_before_its_caller_can_know_the_end(
    tmp_path: Path, method: str, messages: list[Message], written: list[bool]
) -> None:
    calls = tmp_path / "calls.jsonl"
    scope = {"type": "http", "method": method, "path": "/here", "query_string": b"api-version=1", "headers": []}
    found = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        found.append(bool(calls.read_text()))

    await Journal(app, Calls(calls), "management")(scope, receive, send)
    assert found == written
    (line,) = map(json.loads, calls.read_text().splitlines())
    assert (line["method"], line["path"], line["api_version"]) == (method, "/here", "1")


def test_a_journal_of_weeks_keeps_its_newer_half(tmp_path: Path) -> None:
    path, largest = tmp_path / "calls.jsonl", 4000
    calls = Calls(path, largest)
    for number in range(1000):
        calls.note({"number": number})
    kept = [json.loads(line)["number"] for part in (tmp_path / "calls.jsonl.1", path) for line in part.open()]
    assert kept == list(range(kept[0], 1000))
    assert sum(part.stat().st_size for part in tmp_path.iterdir()) <= largest
    assert len(kept) > 100
