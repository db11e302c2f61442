"""Values changed in a YAML file's text, with every other byte left as it stands.

The text is composed to learn where each value begins and ends; the new value is put there, or on a line of its own
where the file does not have it yet. What comes out is read again: when it says anything else than was meant (an
anchor's value that others share, a merge that hides the line), nothing is changed and the operator is asked to.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from chatops.config.document import dotted_path, parse
from chatops.errors import ConfigError, Problem

Keys = tuple[str, ...]
Value = int | float | str
STEP = 2


def edited(text: str, changes: Mapping[Keys, Value], file: str) -> str:
    """Return `text` with these values set. Raises ConfigError where that would say more, or less, than is meant."""
    meant = laid(parse(text, file).data, changes)
    result = text
    for keys, value in changes.items():
        result = _set(result, keys, value)
    if not _says(result, meant):
        raise _not_plain(text, changes, file)
    return result


def without(text: str, keys: Keys, file: str) -> str:
    """Return `text` without what stands at `keys`, nor a section that held only that. Raises as `edited` does."""
    result = _cut(text, keys)
    if not _says(result, _pruned(parse(text, file).data, keys)):
        line, column = parse(text, file).place(keys) or (None, None)
        hint = f"take {dotted_path(keys)} out yourself, then run the same command again"
        found = "cannot be taken out here: an anchor, an alias or a merge has a part in it"
        raise ConfigError([Problem(file, line, column, dotted_path(keys), found, None, hint)])
    return result


def _pruned(data: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """Return a copy of plain data without what stands at `keys`, nor mappings that only held that."""
    first, *rest = keys
    below = _pruned(data[first], tuple(rest)) if rest else {}
    kept = {key: value for key, value in data.items() if key != first}
    return {**data, first: below} if below else kept


def _cut(text: str, keys: Keys) -> str:
    holder = YAML(typ="safe", pure=True).compose(text)
    alone, entry = None, None
    for name in keys:
        entry = _entry(holder, name) if isinstance(holder, MappingNode) else None
        if entry is None or not isinstance(holder, MappingNode):
            return text
        alone = (alone or (holder, entry)) if len(holder.value) == 1 and alone else (holder, entry)
        holder = entry[1]
    return _cut_out(text, *alone) if alone else text


def _cut_out(text: str, holder: MappingNode, entry: tuple[ScalarNode, Node]) -> str:
    start, end = entry[0].start_mark, _end_of(text, entry)
    if not holder.flow_style:
        below = text[_end_of_line(text, end) :].removeprefix("\r").removeprefix("\n")
        return text[: start.index - start.column] + below
    before, after = text[: start.index], text[end:].lstrip()
    if after.startswith(","):
        return before + after[1:].lstrip()
    return before.rstrip().removesuffix(",") + text[end:]


def _end_of(text: str, entry: tuple[ScalarNode, Node]) -> int:
    key, held = entry
    if _is_empty(held):
        return int(key.end_mark.index)
    return _end(text, held) if isinstance(held, MappingNode) and not held.flow_style else int(held.end_mark.index)


def laid(data: dict[str, Any], changes: Mapping[Keys, Value]) -> dict[str, Any]:
    """Return a copy of plain data with the changes laid over it."""
    whole = copy.deepcopy(data)
    for keys, value in changes.items():
        here = whole
        for key in keys[:-1]:
            here[key] = here.get(key) or {}
            here = here[key]
        here[keys[-1]] = value
    return whole


def _says(text: str, meant: dict[str, Any]) -> bool:
    try:
        return parse(text, "").data == meant
    except ConfigError:
        return False


def _not_plain(text: str, changes: Mapping[Keys, Value], file: str) -> ConfigError:
    document, found = parse(text, file), "cannot be changed here: an anchor, an alias or a merge has a part in it"
    problems = []
    for keys, value in changes.items():
        line, column = document.place(keys) or (None, None)
        hint = f"write {dotted_path(keys)}: {_shown(value, None)} yourself, then run chatops up"
        problems.append(Problem(file, line, column, dotted_path(keys), found, "a value of its own", hint))
    return ConfigError(problems)


def _set(text: str, keys: Keys, value: Value) -> str:
    root = YAML(typ="safe", pure=True).compose(text)
    holder, rest = root, keys
    while isinstance(holder, MappingNode) and (found := _entry(holder, rest[0])):
        key, held = found
        rest = rest[1:]
        if held.start_mark.index < key.end_mark.index:  # an alias: what it stands for is written further up
            return text
        if not rest:
            return _replaced(text, (key, held), _shown(value, held))
        if not isinstance(held, MappingNode):
            return _filled(text, root, (key, held), rest, value)
        holder = held
    if not isinstance(holder, MappingNode):
        return text
    return _added(text, root, holder, rest, value)


def _entry(mapping: MappingNode, name: str) -> tuple[ScalarNode, Node] | None:
    pairs = (pair for pair in mapping.value if isinstance(pair[0], ScalarNode))
    return next(((key, held) for key, held in pairs if key.value == name), None)


def _shown(value: Value, before: Node | None) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = value if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
    quote = before.style if isinstance(before, ScalarNode) and before.style in ("'", '"') else ""
    return f"{quote}{text}{quote}" if isinstance(value, str) else text


def _replaced(text: str, entry: tuple[ScalarNode, Node], words: str) -> str:
    key, held = entry
    if _is_empty(held):
        colon = text.index(":", key.end_mark.index)
        return f"{text[: colon + 1]} {words}{text[colon + 1 :]}"
    return text[: held.start_mark.index] + words + text[held.end_mark.index :]


def _is_empty(node: Node) -> bool:
    """Nothing is written; such a value's place is that of the next thing in the file."""
    return bool(node.start_mark.index == node.end_mark.index)


def _filled(text: str, root: Node, entry: tuple[ScalarNode, Node], rest: Keys, value: Value) -> str:
    """A section that is there by name alone gets its first line, or `{...}` where it says null."""
    key, held = entry
    if not _is_empty(held):
        return _replaced(text, entry, _flow(rest, value))
    lines = _block(key.start_mark.column + _step(root), rest, value, _step(root))
    return _line_after(text, key.end_mark.index, lines)


def _added(text: str, root: Node, holder: MappingNode, rest: Keys, value: Value) -> str:
    """A further entry behind the last one of `holder`."""
    if holder.flow_style and not holder.value:
        start, end = holder.start_mark.index, holder.end_mark.index
        return text[:start] + _flow(rest, value) + text[end:]
    end = _end(text, holder)
    if holder.flow_style:
        return f"{text[:end]}, {_flow(rest, value)[1:-1]}{text[end:]}"
    return _line_after(text, end, _block(holder.value[0][0].start_mark.column, rest, value, _step(root)))


def _flow(keys: Keys, value: Value) -> str:
    inner = _shown(value, None)
    for key in reversed(keys):
        inner = f"{{{key}: {inner}}}"
    return inner


def _block(column: int, keys: Keys, value: Value, step: int) -> list[str]:
    lines = [f"{' ' * (column + step * depth)}{key}:" for depth, key in enumerate(keys)]
    lines[-1] += f" {_shown(value, None)}"
    return lines


def _step(root: Node) -> int:
    """How far the file indents what stands in its first section."""
    for _, held in root.value if isinstance(root, MappingNode) else ():
        if isinstance(held, MappingNode) and held.value and not held.flow_style:
            return int(held.value[0][0].start_mark.column) or STEP
    return STEP


def _end(text: str, holder: MappingNode) -> int:
    """Where the last entry of a mapping ends, blank lines and comments behind it not counted."""
    node: Node = holder
    while isinstance(node, MappingNode) and node.value and (node is holder or not node.flow_style):
        key, node = node.value[-1]
        if node.start_mark.index < key.end_mark.index or _is_empty(node):  # an alias, or nothing: on the key's line
            return _end_of_line(text, int(key.end_mark.index))
    return len(text[: node.end_mark.index].rstrip())


def _end_of_line(text: str, index: int) -> int:
    found = text.find("\n", index)
    end = len(text) if found < 0 else found
    return end - 1 if text[:end].endswith("\r") else end


def _line_after(text: str, index: int, lines: Sequence[str]) -> str:
    end = _end_of_line(text, index)
    newline = "\r\n" if "\r\n" in text else "\n"
    return text[:end] + newline + newline.join(lines) + text[end:]
