"""The journal as `chatops cloud calls` shows it, once it has grown so long that its older part was laid aside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chatops.cli.main import app


@pytest.mark.parametrize(("words", "shown"), [([], [1, 2, 3]), (["--last", "2"], [2, 3])])
def test_both_parts_of_the_journal_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], shown: list[int]
) -> None:
    monkeypatch.setenv("CHATOPS_HOME", str(tmp_path))
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "calls.jsonl.1").write_text('{"ms": 1}\n{"ms": 2}\n')
    (logs / "calls.jsonl").write_text('{"ms": 3}\n')
    ran = CliRunner().invoke(app, ["cloud", "calls", *words, "--output", "json"])
    assert [json.loads(line)["ms"] for line in ran.stdout.splitlines()] == shown
