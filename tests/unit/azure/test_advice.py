"""Advice for Azure's error codes: whole, each code once, and none missing that the local cloud can raise."""

from __future__ import annotations

import ast
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from chatops.azure.calls import advice

LOCAL_CLOUD = Path(__file__).parents[3] / "src" / "chatops" / "localcloud"
TEXT = files("chatops.azure").joinpath("advice.yaml").read_text()
ENTRIES: dict[str, dict[str, str]] = YAML(typ="safe", pure=True).load(TEXT)

MALFORMED = "a request that no stack makes: its message names the field, and only a fault of chatops could send it"
WITHOUT_ADVICE = {
    **dict.fromkeys(
        (
            "400",  # of budgets, whose codes are numbers
            "BadRequest",
            "InvalidApiVersionParameter",
            "InvalidCreateRoleAssignmentRequest",
            "InvalidFilterInQueryString",
            "InvalidParameter",
            "InvalidRequestContent",
            "InvalidRequestFormat",
            "InvalidResourceNamespace",
            "InvalidResourceType",
            "LocationRequired",
            "MethodNotAllowed",
            "MissingApiVersionParameter",
        ),
        MALFORMED,
    ),
    "412": "the same command reads the budget anew",
    "ContainerAppNotSupportedLocally": "Azure would take it: the message says what the local cloud does not run",
    "ReplicaNotFound": "replicas come and go; it is asked for again",
    "RoleAssignmentNotFound": "a 404, and means absent",
}
"""Codes of the local cloud that nobody needs advice for -> why."""


def raised() -> set[str]:
    """The codes that the local cloud's source names where it makes an error."""
    found = set()
    for path in LOCAL_CLOUD.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("ArmError", "gateway"):
                code = node.args[1] if len(node.args) > 1 else None
                found |= {code.value} if isinstance(code, ast.Constant) else set()
    return found


def test_there_is_advice_for_what_this_stack_can_meet() -> None:
    assert len(ENTRIES) >= 60
    codes = raised()
    assert len(codes) > 50, "the source was read"
    assert sorted(codes - set(ENTRIES) - set(WITHOUT_ADVICE)) == []
    assert set(WITHOUT_ADVICE).isdisjoint(ENTRIES)


@pytest.mark.parametrize("code", ENTRIES)
def test_each_code_says_all_three(code: str) -> None:
    entry = ENTRIES[code]
    assert list(entry) == ["happened", "do", "doc"]
    assert all(len(text.split()) >= 4 for text in (entry["happened"], entry["do"]))
    assert not entry["do"].endswith(".") and not entry["happened"].endswith(".")
    link = urlsplit(entry["doc"])
    assert (
        link.scheme == "https" and link.hostname == "learn.microsoft.com" and link.path.startswith(("/azure", "/cli"))
    )
    assert advice()[code] == f"{entry['do']} ({entry['doc']})"


def test_no_code_is_there_twice() -> None:
    lines = [line.rstrip(":") for line in TEXT.splitlines() if line and line[0].isalpha()]
    assert len(lines) == len({line.lower() for line in lines}) == len(ENTRIES)
