"""What people see: text as it is, tables that fit the terminal, lines that nothing breaks elsewhere."""

from __future__ import annotations

import re

import pytest

from chatops.views.human import HumanView
from chatops.views.protocol import AppStatus, StackStatus
from chatops.views.status import status_table

UI = AppStatus(
    name="ui",
    state="Running",
    health="Healthy",
    revision="ui--2aikfhi",
    image="chat-ui@6ba1294811f3",
    replicas=1,
    ready=1,
    minimum=1,
    maximum=5,
    in_flight=0.0,
    restarts=0,
    cold_starts=0,
    url=None,
)
STATUS = StackStatus("chat", "local", "germanywestcentral", None, "PostgreSQL 16.14, Ready", (UI,))
ROWS = [
    {"check": "vault name", "found": "chat-kv is free", "do": ""},
    {"check": "permission", "found": "not allowed at /subscriptions/0/resourceGroups/chat-rg: some action", "do": ""},
]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {"TTY_COMPATIBLE": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "60"}.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    text = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    return [line.rstrip() for line in text.splitlines()]


def test_text_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    HumanView().log("ui-1", "GET /a:key:b [bold]x[/] :rocket:")
    assert lines_of(capsys) == ["ui-1 GET /a:key:b [bold]x[/] :rocket:"]


def test_off_a_terminal_a_row_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    HumanView().rows([{"name": "a", "value": "x " * 200}, {"name": "b", "value": "y"}])
    assert [line.split()[0] for line in lines_of(capsys)] == ["name", "a", "b"]


def test_a_column_that_is_empty_is_left_out_and_the_widest_is_wrapped(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    HumanView().rows(ROWS)
    assert lines_of(capsys) == [
        "check       found",
        "vault name  chat-kv is free",
        "permission  not allowed at",
        "            /subscriptions/0/resourceGroups/chat-rg: some",
        "            action",
    ]


def test_what_cannot_be_read_as_a_table_becomes_blocks(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.setenv("COLUMNS", "30")
    HumanView().rows([*ROWS, {"check": "TXT", "found": "A" * 64, "do": ""}])
    shown = lines_of(capsys)
    assert shown[:2] == ["vault name", "  found: chat-kv is free"]
    assert shown[-1] == f"  found: {'A' * 64}"


@pytest.mark.parametrize(("width", "last"), [(120, "image"), (80, "cold starts"), (36, "ready")])
def test_a_narrow_terminal_gets_fewer_columns_not_narrower_ones(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int, last: str
) -> None:
    terminal.setenv("COLUMNS", str(width))
    HumanView().out.print(status_table(STATUS, width))
    head = next(line for line in lines_of(capsys) if line.startswith("app"))
    assert head.endswith(last)
    assert "…" not in head


def test_a_dumb_terminal_gets_lines_instead_of_a_picture(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It cannot be redrawn: a picture would only come when all is over."""
    terminal.setenv("TERM", "dumb")
    view, seen = HumanView(), []

    def read() -> StackStatus:
        seen.append(capsys.readouterr().out)
        return STATUS

    def pause(seconds: float) -> None:
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        view.watch(read, 2.0, pause)
    assert ["Healthy" in text for text in seen] == [False, True, True]
