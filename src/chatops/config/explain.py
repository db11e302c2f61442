"""pydantic's errors -> problems an operator can act on: the place in the file, what was found, what was expected."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from pydantic_core import ErrorDetails

from chatops.config.document import Document, Path, dotted_path, printable
from chatops.config.fields import Kind, homes, kind_at
from chatops.config.schema.rules import Otherwise
from chatops.config.schema.services import DEFAULTS
from chatops.errors import Problem


def problems(errors: Iterable[ErrorDetails], document: Document) -> list[Problem]:
    """All of them in the file's order, without repetition."""
    found = {_problem(error, document): None for error in errors}
    return sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0))


def _problem(error: ErrorDetails, document: Document) -> Problem:
    path = tuple(error["loc"])
    match error["type"]:
        case "rule":
            return _broken_rule(path, error, document)
        case "extra_forbidden":
            return _unknown_key(path, document)
        case "missing":
            return _missing(path, document)
        case _ if path[-1:] == ("[key]",):
            return _wrong_name(path[:-1], document)
        case _:
            return _wrong_value(path, error["input"], document)


def _broken_rule(path: Path, error: ErrorDetails, document: Document) -> Problem:
    context: dict[str, Any] = error.get("ctx", {})
    found, of_key = str(context["found"]), path[-1:] == ("[key]",)
    path = path[:-1] if of_key else path
    other: Otherwise | None = context["otherwise"]
    if other and path not in document.keys and (beside := (*path[:-1], other.field)) in document.keys:
        return _at(document, beside, other.found, other.expected, context["hint"])
    return _at(document, path, found, context["expected"], context["hint"], of_key=of_key)


def _unknown_key(path: Path, document: Document) -> Problem:
    section = kind_at(path[:-1])
    known = list(section.section.model_fields) if section and section.section else []
    key = str(path[-1])
    if close := get_close_matches(key, known, n=1):
        hint = f'did you mean "{close[0]}"?'
    elif elsewhere := [home for home in homes(key) if home]:
        hint = f'"{key}" is a field of {" and of ".join(elsewhere)}'
    else:
        hint = None
    return _at(document, path, "unknown key", "one of: " + ", ".join(known), hint, of_key=True)


def _missing(path: Path, document: Document) -> Problem:
    expected = kind_at(path)
    hint = None
    if path[:1] == ("services",) and (close := get_close_matches(str(path[1]), DEFAULTS, n=1)):
        hint = f'did you mean the service "{close[0]}"?'
    return _at(document, path, "missing", expected.words if expected else None, hint)


def _wrong_name(path: Path, document: Document) -> Problem:
    expected = kind_at(path, key=True)
    words = expected.words if expected else None
    return _at(document, path, f"{shown(path[-1])} cannot be a name here", words, of_key=True)


def _wrong_value(path: Path, value: object, document: Document) -> Problem:
    expected = kind_at(path)
    if expected is None:
        return _at(document, path, f"found {shown(value)}")
    return _at(document, path, f"found {shown(value)}", expected.words, _correction(value, expected))


def _at(
    document: Document,
    path: Path,
    found: str,
    expected: str | None = None,
    hint: str | None = None,
    *,
    of_key: bool = False,
) -> Problem:
    line, column = document.place(path, of_key=of_key) or (None, None)
    return Problem(document.file, line, column, dotted_path(path), printable(found), expected, hint)


def _correction(value: object, expected: Kind) -> str | None:
    """What was probably meant, when that can be told from the value."""
    if get_origin(expected.type) is Literal:
        close = get_close_matches(str(value).lower(), [str(option).lower() for option in get_args(expected.type)], n=1)
        options = {str(option).lower(): option for option in get_args(expected.type)}
        return f'did you mean "{options[close[0]]}"?' if close else None
    if expected.type is bool and str(value).lower() in ("yes", "no", "on", "off"):
        return f"write {'true' if str(value).lower() in ('yes', 'on') else 'false'}"
    if expected.type is str and isinstance(value, bool | int | float):
        return "put it in quotes"
    if expected.type in (int, float) and isinstance(value, str) and _is_number(value):
        return "write it without quotes"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def shown(value: object) -> str:
    """The value as YAML would show it on a line, shortened; mappings and lists by name only."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
