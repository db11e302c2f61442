"""Compares what we declare with what is there, field by field, in canonical form. What a cloud fills in is no drift."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatops.engine.resource import Json

_QUANTITY = re.compile(r"^(\d+(?:\.\d+)?)(Gi|Mi)?$")
_WORDS = {"location", "transport"}
"""Fields whose values are the same word in any case, with or without spaces."""
_INDEX = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Change:
    """One field that differs. `path` is in wire names, list items by their key: `properties.containers[ui].image`."""

    path: str
    before: Any
    after: Any


def changes(declared: Json, observed: Json, exact: frozenset[str] = frozenset()) -> list[Change]:
    """Return the declared fields that `observed` lacks or has otherwise, in the order of declaration."""
    return list(_compare(declared, observed, "", exact))


def merge(declared: Any, observed: Any, exact: frozenset[str] = frozenset(), path: str = "") -> Any:
    """Return `observed` with every declared field laid over it: what was not declared stays, but for `exact` paths."""
    if isinstance(declared, dict) and isinstance(observed, dict):
        theirs = _by_canonical_key(observed)
        merged = {k: merge(v, theirs.pop(_key(k), None), exact, f"{path}.{k}".lstrip(".")) for k, v in declared.items()}
        kept = {} if pattern(path) in exact else {k: v for k, v in observed.items() if _key(k) in theirs}
        return {**kept, **merged}
    if item_key := _item_key(declared):
        items = {item.get(item_key): item for item in observed or [] if isinstance(item, dict)}
        ours = [merge(item, items.pop(item[item_key], None), exact, path) for item in declared]
        return ours if pattern(path) in exact else ours + list(items.values())
    return declared


def restrict(declared: Json, observed: Any, merged: Any, exact: frozenset[str] = frozenset(), path: str = "") -> Json:
    """Return only the branches of `merged` in which something changes, for a JSON merge PATCH. Lists stay whole."""
    narrowed: Json = {}
    for key, value in declared.items():
        below, theirs = f"{path}.{key}".lstrip("."), observed.get(key)
        if not any(_compare(value, theirs, below, exact)):
            continue
        deeper = isinstance(value, dict) and isinstance(theirs, dict) and below not in exact
        narrowed[key] = restrict(value, theirs, merged[key], exact, below) if deeper else merged[key]
    return narrowed


def pattern(path: str) -> str:
    """Return `path` without the keys of list items, as `immutable` and `exact` name it."""
    return _INDEX.sub("", path)


def _compare(declared: Any, observed: Any, path: str, exact: frozenset[str]) -> Iterator[Change]:
    if isinstance(declared, dict):
        yield from _compare_maps(declared, observed if isinstance(observed, dict) else {}, path, exact)
    elif item_key := _item_key(declared):
        items = {item.get(item_key): item for item in observed or [] if isinstance(item, dict)}
        for item in declared:
            yield from _compare(item, items.pop(item[item_key], None), f"{path}[{item[item_key]}]", exact)
        if pattern(path) in exact:
            yield from (Change(f"{path}[{name}]", item, None) for name, item in items.items())
    elif canonical(declared, path) != canonical(observed, path):
        yield Change(path, observed, declared)


def _compare_maps(declared: Json, observed: Json, path: str, exact: frozenset[str]) -> Iterator[Change]:
    theirs = _by_canonical_key(observed)
    for key, value in declared.items():
        found = theirs.pop(_key(key), None)
        if value == {} and found is None:
            yield Change(f"{path}.{key}".lstrip("."), None, {})
        else:
            yield from _compare(value, found, f"{path}.{key}".lstrip("."), exact)
    if pattern(path) in exact:
        yield from (Change(f"{path}.{key}", value, None) for key, value in theirs.items())


def canonical(value: Any, path: str = "") -> Any:
    """Return `value` so that equal meanings compare equal: 0.5 and "0.50", "1Gi" and "1.0Gi", ids in any case."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return (float(value), "")
    if isinstance(value, list):
        return None if not value else [canonical(item, path) for item in value]
    if not isinstance(value, str):
        return value
    if path.rsplit(".", 1)[-1].lower() in _WORDS:
        return value.replace(" ", "").lower()
    if quantity := _QUANTITY.match(value):
        return (float(quantity[1]), quantity[2] or "")
    return value.rstrip("/").lower() if value.startswith("/") else value


def _item_key(value: Any) -> str | None:
    """Return the field that tells the items of a list apart: `name`, `type` (probes) or `server` (registries)."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return None
    return next((key for key in ("name", "type", "server") if all(key in item for item in value)), None)


def _key(key: str) -> str:
    return key.lower() if key.startswith("/") else key


def _by_canonical_key(observed: Json) -> Json:
    return {_key(key): value for key, value in observed.items()}
