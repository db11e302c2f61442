"""Sizes from the command line: what Azure refuses is refused before the file is touched, and says whose fault it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chatops.config.resize import resized
from chatops.errors import ConfigError, UsageError

TEXT = """name: chat
services:
  lm-api:
    cpu: 2
    memory: 4Gi
    scale:
      min: 2 # awake
      max: 5
"""
PAIRS = "0.25 with 0.5Gi, 0.5 with 1Gi, 0.75 with 1.5Gi"

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "max below min": ({"max": 1}, "--max 1: 1 is less than min (2); expected an integer from 2 to 1000"),
    "min above max": ({"min": 6}, "--min 6: chatops.yaml:8 services.lm-api.scale.max: 5 is less than min (6)"),
    "both wrong": ({"min": 4, "max": 3}, "--max 3: 3 is less than min (4)"),
    "negative": ({"min": -1}, "--min -1: found -1; expected an integer from 0 to 1000"),
    "none at all": ({"max": 0}, "--max 0: found 0; expected an integer from 1 to 1000"),
    "too many": ({"max": 1001}, "--max 1001: found 1001; expected an integer from 1 to 1000"),
    "no requests": ({"concurrency": 0}, "--concurrency 0: found 0; expected an integer from 1 to 1000"),
    "cpu alone": ({"cpu": 3.0}, "--cpu 3: chatops.yaml:5 services.lm-api.memory: 4Gi does not go with 3 vCPU"),
    "memory alone": ({"memory": "8Gi"}, "--memory 8Gi: 8Gi does not go with 2 vCPU"),
    "a pair that is none": ({"cpu": 1.0, "memory": "4Gi"}, "--memory 4Gi: 4Gi does not go with 1 vCPU"),
    "a cpu between the steps": ({"cpu": 0.3, "memory": "0.6Gi"}, "--cpu 0.3: found 0.3"),
    "a profile's impossible name": ({"profile": "no such"}, '--profile no such: found "no such"'),
    "memory in other units": ({"memory": "4G"}, '--memory 4G: found "4G"'),
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "chatops.yaml"
    file.write_text(TEXT)
    return file


@pytest.mark.parametrize("name", REFUSED)
def test_what_azure_refuses_is_refused_in_the_options_words(file: Path, name: str) -> None:
    wanted, words = REFUSED[name]
    with pytest.raises(UsageError) as caught:
        resized(file, "lm-api", wanted)
    assert caught.value.message.startswith(words)
    assert (PAIRS in str(caught.value.hint)) == bool({"cpu", "memory"} & set(wanted))
    assert file.read_text() == TEXT


def test_an_unknown_service_is_named_with_what_was_probably_meant(file: Path) -> None:
    with pytest.raises(UsageError, match="no service 'lm-ap'") as caught:
        resized(file, "lm-ap", {"max": 3})
    assert caught.value.hint == "did you mean lm-api?"


def test_the_files_own_fault_is_told_as_such(file: Path) -> None:
    file.write_text(TEXT.replace("max: 5", "max: five"))
    with pytest.raises(ConfigError, match=r"chatops.yaml:8:12 services.lm-api.scale.max"):
        resized(file, "lm-api", {"max": 7})


def test_a_draft_is_written_and_taken_back(file: Path) -> None:
    draft = resized(file, "lm-api", {"max": 7, "cpu": 4.0, "memory": "8Gi"})
    assert file.read_text() == TEXT
    draft.write()
    assert file.read_text() == TEXT.replace("max: 5", "max: 7").replace("cpu: 2", "cpu: 4").replace("4Gi", "8Gi")
    draft.take_back()
    assert file.read_text() == TEXT


def test_what_holds_already_is_not_written(file: Path) -> None:
    assert not resized(file, "lm-api", {"max": 5, "cpu": 2.0}).differs
    assert not resized(file, "ui", {"max": 5}).differs  # by default


def test_another_profile_than_consumption_takes_other_pairs(file: Path) -> None:
    config = resized(file, "lm-api", {"profile": "d4", "memory": "8Gi"}).config
    assert (config.services["lm-api"].profile, config.services["lm-api"].memory) == ("d4", "8Gi")
    with pytest.raises(UsageError, match="does not go with"):
        resized(file, "lm-api", {"profile": "Consumption", "memory": "8Gi"})
