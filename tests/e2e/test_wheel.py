"""The wheel alone, in an environment of its own and an empty folder, brings the stack up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rehearsal import AT_START, Machine

CHECKOUT = Path(__file__).parents[2]


def test_the_wheel_brings_the_stack_up_from_an_empty_folder(tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin" / "python", "-m", "pip", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, CHECKOUT], check=True, env=AT_START)
    (wheel,) = tmp_path.glob("chatops-*.whl")
    subprocess.run([*pip, "install", f"{wheel}[local]"], check=True, env=AT_START)

    machine = Machine(tmp_path / "folder", tmp_path / "home", command=environment / "bin" / "chatops")
    machine.folder.mkdir()
    try:
        machine.chatops("up")
        assert "0 changes" in machine.chatops("up").out
        assert machine.chatops("status", "--output", "json").objects[0]["url"] == machine.page()
        machine.chatops("down", "--yes")
        assert list(machine.folder.iterdir()) == []
    finally:
        machine.chatops("cloud", "reset", "--yes")
