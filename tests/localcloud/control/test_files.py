"""What the daemon writes: whole or not at all, and for its owner's eyes."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from chatops.localcloud.files import write_private

from ..conftest import Cloud


def test_a_file_is_replaced_and_never_written_into(tmp_path: Path) -> None:
    """Whoever has the old file, by another name here, still has all of it."""
    path, old = tmp_path / "file", tmp_path / "old"
    write_private(path, "one")
    old.hardlink_to(path)
    write_private(path, b"two")
    assert (old.read_text(), path.read_text()) == ("one", "two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(found.name for found in tmp_path.iterdir()) == ["file", "old"]


def test_what_a_killed_writer_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_text("ha")
    (tmp_path / "file.new").chmod(0o644)
    write_private(tmp_path / "file", "whole")
    assert [(found.name, stat.S_IMODE(found.stat().st_mode)) for found in tmp_path.iterdir()] == [("file", 0o600)]


def test_a_start_writes_into_no_file_that_the_next_one_needs(fresh: Cloud, tmp_path: Path) -> None:
    fresh.stop()
    kept = [path for path in fresh.home.iterdir() if path.suffix in (".json", ".key", ".pem") or "secret" in path.name]
    assert "ingress.json" in {path.name for path in kept}
    before = {path: path.read_text() for path in kept}
    for path in kept:
        (tmp_path / path.name).hardlink_to(path)
    fresh.start()
    assert {path: (tmp_path / path.name).read_text() for path in kept} == before
    assert json.loads((fresh.home / "ingress.json").read_text())["external"] > 0
    assert (fresh.home / "ingress.json").stat().st_ino != (tmp_path / "ingress.json").stat().st_ino
