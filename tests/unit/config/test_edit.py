"""One value changed in a YAML file: what else stands in the file stays as it is, byte for byte."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from chatops.config.document import parse
from chatops.config.draft import write
from chatops.config.edit import edited, without
from chatops.errors import ConfigError

CONFIGS = Path(__file__).parents[3] / "configs"
MAX = ("services", "lm-api", "scale", "max")

# the text, and what the change takes away and adds
CASES = {
    "a value, before a comment": (
        "services:\n  lm-api:\n    scale:\n      max:   5   # at most\n",
        ["-      max:   5   # at most\n", "+      max:   7   # at most\n"],
    ),
    "a quoted key in braces": (
        "services:\n  lm-api:\n    \"scale\": {'max': 5}\n",
        ["-    \"scale\": {'max': 5}\n", "+    \"scale\": {'max': 7}\n"],
    ),
    "a name without a value": (
        "services:\n  lm-api:\n    scale:\n      max: # later\n      min: 1\n",
        ["-      max: # later\n", "+      max: 7 # later\n"],
    ),
    "a new line behind its siblings": (
        "services:\n  lm-api:\n    scale:\n      min: 1 # one\n\n    cpu: 2\n",
        ["+      max: 7\n"],
    ),
    "a new section behind a block of text": (
        "services:\n  lm-api:\n    env:\n      A: |\n        x\n        y\n\n# the end\ntags: {}\n",
        ["+    scale:\n", "+      max: 7\n"],
    ),
    "a new section behind a list": (
        "services:\n  lm-api:\n    calls:\n    - ui\n    - db-api # both\n",
        ["+    scale:\n", "+      max: 7\n"],
    ),
    "a new section behind an alias": (
        "services:\n  ui:\n    calls: &all [db-api]\n  lm-api:\n    calls: *all # them\n",
        ["+    scale:\n", "+      max: 7\n"],
    ),
    "a section that is there by name": (
        "services:\n  lm-api:\n    scale: # how many\n    cpu: 2\n",
        ["+      max: 7\n"],
    ),
    "a section that is null": (
        "services:\n  lm-api: ~ # nothing\n",
        ["-  lm-api: ~ # nothing\n", "+  lm-api: {scale: {max: 7}} # nothing\n"],
    ),
    "everything new, indented as the rest": (
        "tags:\n    a: b\nname: chat\n",
        ["+services:\n", "+    lm-api:\n", "+        scale:\n", "+            max: 7\n"],
    ),
    "no newline at the end": (
        "name: chat",
        ["-name: chat", "+name: chat\n", "+services:\n", "+  lm-api:\n", "+    scale:\n", "+      max: 7"],
    ),
    "braces all the way": (
        "{name: chat, services: {lm-api: {scale: {min: 1,}}}}\n",
        [
            "-{name: chat, services: {lm-api: {scale: {min: 1,}}}}\n",
            "+{name: chat, services: {lm-api: {scale: {min: 1, max: 7,}}}}\n",
        ],
    ),
    "empty braces": (
        "services: {} # none\n",
        ["-services: {} # none\n", "+services: {lm-api: {scale: {max: 7}}} # none\n"],
    ),
    "between document marks": (
        "---\nservices:\n  lm-api:\n    cpu: 2\n...\n",
        ["+    scale:\n", "+      max: 7\n"],
    ),
    "lines of Windows": (
        "services:\r\n  lm-api:\r\n    scale:\r\n      min: 1 # x\r\n\r\n# end\r\n",
        ["+      max: 7\r\n"],
    ),
    "a merge that it lies over": (
        "services:\n  ui:\n    scale: &s\n      max: 4\n      min: 2\n  lm-api:\n    scale:\n      <<: *s\n",
        ["+      max: 7\n"],
    ),
}
REFUSED = {
    "an alias": "services:\n  ui:\n    scale: &s\n      max: 4\n  lm-api:\n    scale: *s\n",
    "an anchor's own value": "services:\n  lm-api:\n    scale: &s\n      max: 4\n  ui:\n    scale: *s\n",
    "a merge that would be hidden": "services:\n  ui: &u\n    scale: {max: 4, min: 2}\n  lm-api: {<<: *u}\n",
}


def difference(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [f"{line[0]}{line[2:]}" for line in lines if line[0] in "+-"]


@pytest.mark.parametrize("name", CASES)
def test_only_what_is_meant_changes(name: str) -> None:
    before, expected = CASES[name]
    assert difference(before, edited(before, {MAX: 7}, "chatops.yaml")) == expected


@pytest.mark.parametrize("name", REFUSED)
def test_what_others_share_is_refused_with_its_place(name: str) -> None:
    with pytest.raises(ConfigError, match=r"chatops.yaml:\d+:\d+ services.lm-api.scale.max: cannot be changed here"):
        edited(REFUSED[name], {MAX: 7}, "chatops.yaml")


@pytest.mark.parametrize("name", ["local", "azure", "small"])
def test_the_bundled_files_keep_every_comment(name: str) -> None:
    text = (CONFIGS / f"{name}.yaml").read_text()
    changes: dict[tuple[str, ...], int | float | str] = {
        MAX: 9,
        ("services", "lm-api", "memory"): "8Gi",
        ("services", "lm-api", "cpu"): 4.0,
        ("services", "db-api", "scale", "concurrency"): 33,
    }
    after = edited(text, changes, "chatops.yaml")
    removed = [line for line in difference(text, after) if line.startswith("-")]
    added = [line for line in difference(text, after) if line.startswith("+")]
    assert len(removed) <= len(changes)
    assert [line.partition("#")[2] for line in removed if "#" in line] == [
        line.partition("#")[2] for line in added if "#" in line
    ]
    services = parse(after, "chatops.yaml").data["services"]
    assert services["lm-api"]["scale"]["max"] == 9
    assert (services["lm-api"]["cpu"], services["lm-api"]["memory"]) == (4, "8Gi")
    assert services["db-api"]["scale"]["concurrency"] == 33


def test_a_written_file_keeps_its_mode_its_link_and_its_byte_order_mark(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "chatops.yaml"
    real.write_bytes(b"\xef\xbb\xbfname: chat\r\n")
    real.chmod(0o640)
    link.symlink_to(real)
    write(link, "name: talk\r\n", "name: chat\r\n")
    assert link.is_symlink()
    assert real.read_bytes() == b"\xef\xbb\xbfname: talk\r\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chatops.yaml", "real.yaml"]


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "chatops.yaml"
    file.write_text("name: theirs\n")
    with pytest.raises(ConfigError, match="changed by somebody else"):
        write(file, "name: ours\n", "name: chat\n")
    assert file.read_text() == "name: theirs\n"


# the text, the path that goes, and what is left
TAKEN_OUT = {
    "the only one, and with it the section": (
        "# mine\ndomain:\n  # the one\n  chat.example.org:\n    service: ui # x\n    zone: example.org\n\nlogs: {}\n",
        "# mine\n\nlogs: {}\n",
    ),
    "the first of two": (
        "domain:\n  chat.example.org:\n  help.example.org:\n    zone: example.org\nname: chat\n",
        "domain:\n  help.example.org:\n    zone: example.org\nname: chat\n",
    ),
    "the last of two, at the end of the file": (
        "domain:\n  help.example.org: {}\n  chat.example.org:\n    zone: example.org",
        "domain:\n  help.example.org: {}\n",
    ),
    "the first in braces": (
        "domain: {chat.example.org: {service: ui}, help.example.org: {}} # two\n",
        "domain: {help.example.org: {}} # two\n",
    ),
    "the last in braces": (
        "domain: {help.example.org: {}, chat.example.org: {service: ui}}\n",
        "domain: {help.example.org: {}}\n",
    ),
    "among Windows' line ends": (
        "name: chat\r\ndomain:\r\n  chat.example.org:\r\n    service: ui\r\nlogs: {}\r\n",
        "name: chat\r\nlogs: {}\r\n",
    ),
}


@pytest.mark.parametrize(("text", "left"), TAKEN_OUT.values(), ids=TAKEN_OUT)
def test_what_is_taken_out_leaves_the_rest(text: str, left: str) -> None:
    assert without(text, ("domain", "chat.example.org"), "chatops.yaml") == left


def test_what_an_anchor_holds_is_not_taken_out() -> None:
    text = "domain: &all\n  chat.example.org: {}\ntags: *all\n"
    with pytest.raises(ConfigError, match=r"take domain\.chat\.example\.org out yourself"):
        without(text, ("domain", "chat.example.org"), "chatops.yaml")
