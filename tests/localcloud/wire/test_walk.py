"""Each row of the facts against what the walk saw; a row without answers needs a reason, and no row has neither."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .walk import Walk, dig, table, unpacked

SECTIONS = ("status_codes", "operations", "errors", "providers")
ROWS = [(section, row) for section in SECTIONS for row in table(section)]
CHECKS = [
    pytest.param(row, name, wanted, id=f"{section}: {row['fact']}: {name}")
    for section, row in ROWS
    for name, wanted in row.get("answers", {}).items()
]
WORDS = {
    "<guid>": r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "<base64>": r"[\w-]+",
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(Z|[+]00:00)",
    "<key>": r"[A-Za-z0-9+/=]{20,}",
}


@pytest.mark.parametrize(("section", "row"), ROWS)
def test_every_fact_has_answers_or_a_reason(section: str, row: dict[str, Any]) -> None:
    assert row["fact"]
    assert bool(row.get("answers")) or len(row.get("left_out", "")) > 20, f"{section}: {row['fact']} has neither"


@pytest.mark.parametrize(("row", "name", "wanted"), CHECKS)
def test_the_local_cloud_answers_so(walk: Walk, row: dict[str, Any], name: str, wanted: dict[str, Any]) -> None:
    seen = walk.exchanges[name.split(" ")[0]]
    said = f"{seen.request.method} {seen.url} -> {seen.status_code} {dict(seen.headers)} {seen.text[:1500]}"
    if "status" in wanted:
        assert seen.status_code == wanted["status"], said
    if "allowed" in row:
        assert seen.status_code in row["allowed"], said
    for header, pattern in wanted.get("headers", {}).items():
        assert header in seen.headers, said
        _matches(walk, str(pattern), seen.headers[header], said)
    for header in wanted.get("lacks", []):
        assert header not in seen.headers, said
    if "text" in wanted:
        assert seen.text == wanted["text"], said
    if "members" in wanted:
        assert set(seen.json()) == set(wanted["members"]), said
    for path, value in wanted.get("body", {}).items():
        _compare(walk, dig(seen.json(), path), value, said)
    for path in wanted.get("without", []):
        with pytest.raises((KeyError, IndexError)):
            dig(seen.json(), path)


def _compare(walk: Walk, found: Any, wanted: Any, said: str) -> None:
    if isinstance(wanted, str) and wanted.startswith("~"):
        _matches(walk, wanted[1:], str(found), said)
    else:
        assert found == walk.fill(wanted), said


def _matches(walk: Walk, pattern: str, text: str, said: str) -> None:
    """A whole match; `<words>` stand for patterns of their own, `${...}` for what the walk knows."""
    literal = re.sub(r"\$\{([\w.]+)\}", lambda found: re.escape(str(dig(walk.known, found[1]))), pattern)
    for word, meaning in WORDS.items():
        literal = literal.replace(word, meaning)
    assert re.fullmatch(literal, text, re.DOTALL), f"{text!r} is not {literal!r}\n{said}"


def test_a_groups_deletion_names_its_job(walk: Walk) -> None:
    """§0.3 RG delete: the token is JSON with the group's name in upper case, '-' and '_' escaped, and its location."""
    token = walk.exchanges["group.delete"].headers["Location"].split("?")[0].rsplit("/", 1)[1]
    job = {"jobId": "RESOURCEGROUPDELETIONJOB-WIRE:2DGROUP:5F1-eastus", "jobLocation": "eastus"}
    assert unpacked(token) == job


def test_no_secret_is_ever_shown(walk: Walk) -> None:
    """§2-§12: passwords, shared keys and secret values leave only through the calls that are made for them."""
    values = ("Pa55word-wire", "not-to-be-shown", json.loads(walk.exchanges["workspace.keys"].text)["primarySharedKey"])
    asked = ("workspace.keys", "app.secrets")
    leaks = [name for name, seen in walk.exchanges.items() if name not in asked and any(v in seen.text for v in values)]
    assert leaks == []
