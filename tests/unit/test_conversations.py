"""A file of conversations is whole, or it is told from one that is."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from chatops.conversations import Counts, counts_in
from chatops.errors import ChatopsError

LINES = b'{"conversations": 1}\n{"chat": {"id": "1"}}\n{"message": {"content": "hello"}}\n{"chat": {"id": "2"}}\n'
SUM = {"chats": 2, "messages": 1, "sha256": hashlib.sha256(LINES).hexdigest()}
END = json.dumps({"end": SUM}).encode() + b"\n"
WHOLE = gzip.compress(LINES + END)


def test_a_whole_file_tells_how_much_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "saved.jsonl.gz"
    file.write_bytes(WHOLE)
    assert counts_in(file) == Counts(2, 1)
    assert str(counts_in(file)) == "2 chats with 1 message"


DAMAGED = {
    "no end": (gzip.compress(LINES), "no end"),
    "a line less": (gzip.compress(LINES.replace(b'{"chat": {"id": "2"}}\n', b"") + END), "another checksum"),
    "a letter changed": (gzip.compress(LINES.replace(b"hello", b"hallo") + END), "another checksum"),
    "a line after the end": (gzip.compress(LINES + END + LINES), "it goes on after its end"),
    "torn": (WHOLE[: len(WHOLE) // 2], "ended before"),
    "torn at the very end": (WHOLE[:-1], "ended before"),
    "empty": (b"", "no end"),
    "not packed": (LINES + END, "Not a gzipped file"),
    "something else": (gzip.compress(b"%PDF-1.7\n"), "Expecting value"),
    "other JSON": (gzip.compress(b'["a", "b"]\n'), "has no attribute"),
    "another kind of line": (gzip.compress(b'{"invoice": 1}\n'), "invoice"),
}


@pytest.mark.parametrize(("content", "why"), DAMAGED.values(), ids=DAMAGED)
def test_what_is_not_whole_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "saved.jsonl.gz"
    file.write_bytes(content)
    with pytest.raises(ChatopsError, match=why) as caught:
        counts_in(file)
    assert caught.value.message.startswith(f"{file} does not hold whole conversations: ")
