"""YAML text -> plain data, and where in the file each key and value stands.

YAML 1.2 by ruamel.yaml's composer: the nodes carry their places. One document with a mapping on top; anchors, aliases
and merge keys work; duplicate keys, tags of one's own, and data that contains itself are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from chatops.errors import ConfigError, Problem

Path = tuple[str | int, ...]
Place = tuple[int, int]

MAX_VALUES = 20_000
"""A guard against aliases that multiply: no honest file comes near."""

_TAG = "tag:yaml.org,2002:"
_MERGE = _TAG + "merge"
_PLAIN = {_TAG + kind for kind in ("str", "int", "float", "bool", "null")}
_SURROGATE = re.compile("[\ud800-\udfff]")
_AS_WRITTEN = {_TAG + kind for kind in ("timestamp", "value")}
_TEXT = {_TAG + "str", *_AS_WRITTEN}


@dataclass
class Document:
    """One YAML file as plain data; `keys` and `values` say where (line and column from 1) each path stands."""

    file: str
    data: dict[str, Any]
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)

    def place(self, path: Path, *, of_key: bool = False) -> Place | None:
        """Where `path` stands, or the nearest thing around it that does."""
        for length in range(len(path), 0, -1):
            first, second = (self.keys, self.values) if of_key or length < len(path) else (self.values, self.keys)
            if place := first.get(path[:length]) or second.get(path[:length]):
                return place
        return self.values.get(())


def parse(text: str, file: str) -> Document:
    """Read one YAML document. Raises ConfigError with everything that is wrong with it as YAML."""
    yaml = YAML(typ="safe", pure=True)
    try:
        roots = list(yaml.compose_all(text))
    except MarkedYAMLError as error:
        raise ConfigError([_syntax(error, file)]) from None
    except RecursionError:
        raise ConfigError([Problem(file, None, None, "", "nested too deeply to be read")]) from None
    except ReaderError as error:
        raise ConfigError([_unreadable_character(error, text, file)]) from None
    except (YAMLError, ValueError) as error:
        raise ConfigError([Problem(file, None, None, "", f"not YAML: {_first_line(error)}")]) from None
    reader = _Reader(yaml, file)
    return reader.read(roots)


def _syntax(error: MarkedYAMLError, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    words = " ".join(part for part in (error.context, error.problem) if part)
    hint = "YAML is indented by spaces, never by tabs" if "\\t" in words else None
    return Problem(file, line, column, "", f"not YAML: {words}", None, hint)


def _unreadable_character(error: ReaderError, text: str, file: str) -> Problem:
    before = text[: error.position]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return Problem(file, line, column, "", f"not YAML: the character U+{ord(text[error.position]):04X} is not allowed")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class _Reader:
    """Walks composed nodes once, gathering data, places and problems."""

    def __init__(self, yaml: YAML, file: str) -> None:
        self._scalar = yaml.constructor.construct_object
        self._file = file
        self._problems: list[Problem] = []
        self._open: list[Node] = []
        self._count = 0
        self._document = Document(file, {})

    def read(self, roots: list[Node]) -> Document:
        if len(roots) > 1:
            self._refuse((), roots[1], "a second document begins here", "one document a file")
        elif not roots or (isinstance(roots[0], ScalarNode) and roots[0].tag == _TAG + "null"):
            hint = "`chatops init` writes a file to start from; the shortest that works is: name: chat"
            self._problems.append(Problem(self._file, 1, 1, "", "the file is empty", "a mapping like name: chat", hint))
        elif not isinstance(roots[0], MappingNode):
            kind = "a list" if isinstance(roots[0], SequenceNode) else "a single value"
            self._refuse((), roots[0], f"the file holds {kind}", "a mapping like name: chat")
        else:
            self._document.data = self._value(roots[0], ())
        if self._problems:
            raise ConfigError(sorted(self._problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
        return self._document

    def _refuse(self, path: Path, node: Node, found: str, expected: str | None = None, hint: str | None = None) -> None:
        aliased = any(node is outer for outer in self._open)
        line, column = (self._document.keys.get(path) if aliased else None) or _place(node)
        self._problems.append(Problem(self._file, line, column, dotted_path(path), printable(found), expected, hint))

    def _value(self, node: Node, path: Path) -> Any:
        self._count += 1
        self._document.values.setdefault(path, _place(node))
        if any(node is outer for outer in self._open):
            return self._refuse(path, node, "an alias stands inside what it stands for")
        if self._count > MAX_VALUES:
            if self._count == MAX_VALUES + 1:
                self._refuse(path, node, f"more than {MAX_VALUES} values", hint="do aliases multiply here?")
            return None
        if isinstance(node, ScalarNode):
            return self._plain(node, path)
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.pop()

    def _plain(self, node: ScalarNode, path: Path) -> Any:
        if _SURROGATE.search(node.value):
            return self._refuse(path, node, f"{node.value[:40]} is no text: half a character", "whole characters")
        if node.tag in _AS_WRITTEN:
            return node.value
        if node.tag not in _PLAIN:
            return self._refuse(path, node, f"the tag {_short(node.tag)} means nothing here", "a plain value")
        try:
            return self._scalar(node)
        except (YAMLError, ValueError, OverflowError):
            return self._refuse(path, node, f"{node.value[:40]!r} cannot be read as {_short(node.tag)}")

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        own: dict[str, Place] = {}
        for key, value in self._pairs(node, path):
            name = self._key(key, path)
            if name is None:
                continue
            if name in own:
                line = own[name][0]
                self._refuse((*path, name), key, "written twice", "one value", f"it also stands on line {line}")
                continue
            own[name] = self._document.keys[(*path, name)] = _place(key)
            data[name] = self._value(value, (*path, name))
        return data

    def _key(self, key: Node, path: Path) -> str | None:
        if not isinstance(key, ScalarNode):
            self._refuse(path, key, "this key is not text", "a name")
        elif key.tag not in _TEXT or _SURROGATE.search(key.value):
            self._refuse(path, key, f"the key {key.value[:40]} is not text", "a name", "put it in quotes")
        else:
            return str(key.value)
        return None

    def _pairs(self, node: MappingNode, path: Path) -> Iterator[tuple[Node, Node]]:
        """The mapping's pairs, with those that `<<` brings in where the mapping does not write them itself."""
        written = {key.value for key, _ in node.value if isinstance(key, ScalarNode)}
        for key, value in node.value:
            if key.tag != _MERGE:
                yield key, value
                continue
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                if not isinstance(source, MappingNode) or source in self._open:
                    self._refuse(path, value, "<< takes a mapping, or a list of mappings")
                    continue
                fresh = [pair for pair in source.value if _key_text(pair[0]) not in written]
                written |= {_key_text(key) for key, _ in fresh}
                yield from fresh


def _key_text(key: Node) -> object:
    return key.value if isinstance(key, ScalarNode) else None


def _place(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _short(tag: str | None) -> str:
    return (tag or "!").removeprefix(_TAG)


def dotted_path(path: Path) -> str:
    """`("services", "ui", "calls", 0)` as `services.ui.calls[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return printable(text.removeprefix("."))


def printable(text: str) -> str:
    """The text with control characters and lone surrogates escaped, so that a terminal can be trusted with it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
