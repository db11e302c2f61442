"""Bad configs as data: each `tests/cases/config/<what>.yaml` is refused with exactly the text beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatops.config import load
from chatops.config.fields import kind_at
from chatops.errors import ConfigError

CASES = Path(__file__).parents[2] / "cases" / "config"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_each_problem_is_told_with_its_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES)
    with pytest.raises(ConfigError) as caught:
        load(Path(f"{name}.yaml"))
    assert f"{caught.value}\n" == (CASES / f"{name}.txt").read_text(encoding="utf-8")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", NAMES)
def test_the_place_is_where_the_path_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that a problem points to holds the last part of its path, or the line above does (block lists)."""
    monkeypatch.chdir(CASES)
    with pytest.raises(ConfigError) as caught:
        load(Path(f"{name}.yaml"))
    lines = ["", *Path(f"{name}.yaml").read_text(encoding="utf-8").splitlines()]
    for problem in caught.value.problems:
        assert problem.line is not None
        assert problem.column is not None
        assert problem.column <= len(lines[problem.line]) + 1 if len(lines) > 1 else problem.line == 1
        of_the_path = problem.path and problem.found != "missing" and "key" not in problem.found
        if of_the_path and kind_at(tuple(problem.path.split("."))):
            near = " ".join(lines[max(problem.line - 1, 1) : problem.line + 1])
            assert problem.path.rpartition(".")[2] in near


def test_every_case_has_its_text_and_every_text_its_case() -> None:
    assert {path.stem for path in CASES.glob("*.txt")} == set(NAMES)
    assert len(NAMES) >= 50
