"""A domain written into the YAML file and taken out of it: checked first, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatops.config.rehost import bound, unbound
from chatops.errors import UsageError

TEXT = "# mine\nname: chat\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "chatops.yaml"
    path.write_text(TEXT)
    return path


def test_a_domain_comes_and_goes_without_a_trace(file: Path) -> None:
    draft = bound(file, "chat.example.org", {"service": "ui", "zone": "example.org"})
    assert file.read_text() == TEXT, "a draft writes nothing"
    draft.write()
    assert file.read_text() == f"{TEXT}domain:\n  chat.example.org:\n    service: ui\n    zone: example.org\n"
    assert not bound(file, "chat.example.org", {"service": "ui", "zone": "example.org"}).differs
    unbound(file, "chat.example.org").write()
    assert file.read_text() == TEXT


def test_a_name_in_other_letters_is_found_as_it_was_written(file: Path) -> None:
    file.write_text(f"{TEXT}domain:\n  bücher.example:\n")
    bound(file, "xn--bcher-kva.example", {"zone": "bücher.example"}).write()
    assert file.read_text() == f"{TEXT}domain:\n  bücher.example:\n    zone: bücher.example\n"
    unbound(file, "xn--bcher-kva.example").write()
    assert file.read_text() == TEXT


def test_what_cannot_be_is_refused_in_the_words_of_the_option(file: Path) -> None:
    with pytest.raises(UsageError, match='service: there is no service "chat"'):
        bound(file, "chat.example.org", {"service": "chat"})
    with pytest.raises(UsageError, match=r"does not lie in the zone example\.net"):
        bound(file, "chat.example.org", {"service": "ui", "zone": "example.net"})
    assert file.read_text() == TEXT
