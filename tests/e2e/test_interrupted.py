"""An `up` that is interrupted, then killed, in the middle: the next one goes on from there."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rehearsal import CHATOPS, LOCAL_CONFIG, Machine


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path / "folder", tmp_path / "home")
    machine.folder.mkdir()
    shutil.copy(LOCAL_CONFIG, machine.config)
    yield machine
    machine.chatops("cloud", "reset", "--yes")


def up_until(machine: Machine, line: str, number: signal.Signals) -> tuple[int, str]:
    """Run `up`, send the signal as soon as a line matches `line`, and return exit code and standard error."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [str(CHATOPS), "up"], cwd=machine.folder, env=machine.environment, stdout=pipe, stderr=pipe, text=True
    ) as running:
        assert running.stdout and running.stderr
        for printed in running.stdout:
            if re.search(line, printed):
                running.send_signal(number)
                break
        error = running.stderr.read()
        return running.wait(), error


def test_up_goes_on_after_ctrl_c_and_after_a_kill(machine: Machine) -> None:
    code, said = up_until(machine, "key vault .* created", signal.SIGINT)
    assert code == 130
    assert "Traceback" not in said
    assert "goes on from" in said

    # whichever is first: what was under way at Ctrl-C may have come to its end there
    code, _ = up_until(machine, " created in ", signal.SIGKILL)
    assert code == -signal.SIGKILL

    machine.chatops("up")
    assert "0 changes" in machine.chatops("plan").out
    machine.chatops("down", "--yes")
    assert machine.left_behind() == []
