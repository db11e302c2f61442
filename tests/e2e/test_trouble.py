"""Fault after fault against one stack: each `up` succeeds by trying again, or names resource, cause and advice."""

from __future__ import annotations

import fnmatch
import io
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rehearsal import LOCAL_CONFIG, Machine, Ran
from ruamel.yaml import YAML

from chatops.cli import trouble
from chatops.cli.main import main
from chatops.cli.options import Output
from chatops.cli.session import open_session

TRIALS = YAML(typ="safe", pure=True).load((Path(__file__).parents[1] / "cases/trouble/up.yaml").read_text())


@dataclass
class Bench:
    """A stack on a local cloud of its own, driven through the command line inside this process.

    `first` is what the first `up` printed, at recorded latency.
    """

    folder: Path
    patch: pytest.MonkeyPatch
    first: str
    rounds: int = 0

    def run(self, *words: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        self.patch.setattr(sys, "argv", ["chatops", *words])
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main()
        return Ran(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    def change(self) -> None:
        """Give every resource another tag."""
        self.rounds += 1
        config = self.folder / "chatops.yaml"
        config.write_text(LOCAL_CONFIG.read_text() + f"\ntags: {{round: '{self.rounds}'}}\n")

    def remove(self, address: str) -> None:
        session = open_session(None, Output.json)
        resource = next(resource for resource in session.resources if resource.address == address)
        resource.delete(session.azure, lambda _: None)

    def calls(self) -> list[dict[str, Any]]:
        return self.run("cloud", "calls", "-o", "json").objects


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("trouble")
    shutil.copy(LOCAL_CONFIG, folder / "chatops.yaml")
    # the daemon must be another process's child: its end is not noticed by a parent that does not wait for it
    machine = Machine(folder, folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CHATOPS_HOME", "CHATOPS_CACHE", "NO_COLOR"):
            patch.setenv(name, machine.environment[name])
        patch.chdir(folder)
        try:
            machine.chatops("cloud", "start", "--latency", "recorded", "--speed", "40")
            first = machine.chatops("up").out
            machine.chatops("cloud", "start", "--latency", "none")
            yield Bench(folder, patch, first)
        finally:
            machine.chatops("cloud", "reset", "--yes")


def test_at_recorded_latency_postgresql_takes_longest(bench: Bench) -> None:
    took = {what: float(seconds) for what, seconds in re.findall(r"^\+ (.+) created in ([\d.]+) s$", bench.first, re.M)}
    # images take as long as their packages, apps as their processes: nothing that Azure's figures know
    paced = [what for what in took if not what.startswith(("image", "container app '"))]
    assert max(paced, key=took.__getitem__).startswith("PostgreSQL")


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial["name"])
def test_up_gets_over_it_or_says_what_and_why(bench: Bench, trial: dict[str, Any]) -> None:
    bench.change()
    if "gone" in trial:
        bench.remove(trial["gone"])
    before = len(bench.calls())
    trouble.order({"faults": [trial["rule"]]})
    bench.patch.setenv("CHATOPS_DEADLINE", str(trial.get("deadline", "")))
    ran = bench.run("up")
    seen = trouble.ordered()["faults"][0]["seen"]
    trouble.clear()
    bench.patch.delenv("CHATOPS_DEADLINE")

    assert seen, "the rule met no call"
    assert ran.code == (1 if "error" in trial else 0), ran.out + ran.err
    for words in trial.get("error", ()):
        assert words in ran.err
    if "error" in trial:
        advised = [line for line in ran.err.splitlines() if "what to do:" in line]
        assert any(trial["advice"] in line for line in advised), ran.err
    for kind, most in trial.get("sent", {}).items():
        assert len(matching(bench.calls()[before:], kind)) == most

    after = bench.run("up")
    assert after.code == 0, after.out + after.err
    assert "0 changes" in bench.run("plan").out


def matching(calls: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    method, _, pattern = kind.partition(" ")
    return [call for call in calls if call["method"] == method and fnmatch.fnmatch(call["path"], pattern or "*")]
