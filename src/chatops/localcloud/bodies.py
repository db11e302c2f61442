"""JSON bodies as ARM treats them: merge patches, defaults laid under what was sent, nulls left out."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396: `patch` over `target`; null removes. The result shares nothing with either."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    result = copy.deepcopy(dict(target)) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


def underlay(body: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    """Fill in what `body` leaves out, nested objects included."""
    for name, value in defaults.items():
        if name not in body:
            body[name] = copy.deepcopy(value)
        elif isinstance(value, Mapping) and isinstance(body[name], dict):
            underlay(body[name], value)


def without_nulls(value: Any) -> Any:
    """A copy without members that are null; list items stay."""
    if isinstance(value, Mapping):
        return {name: without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


OWN_NAMES = ("tags", "userassignedidentities", "metadata")


def camel(value: Any) -> Any:
    """A copy with property names in Azure's spelling: clients may send `Name` for `name`.

    Maps whose names are the caller's own stay as they are.
    """
    if isinstance(value, Mapping):
        return {_lowered(name): item if name.lower() in OWN_NAMES else camel(item) for name, item in value.items()}
    return [camel(item) for item in value] if isinstance(value, list) else value


def _lowered(name: str) -> str:
    return name if name[1:2].isupper() or not name.isalnum() else name[:1].lower() + name[1:]


def number(text: str, otherwise: int) -> int:
    """A count from a query string; what is no number counts as not given."""
    return int(text) if text.isdecimal() else otherwise
