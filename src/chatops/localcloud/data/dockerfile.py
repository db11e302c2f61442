"""Dockerfile syntax: instructions, words and variables (https://docs.docker.com/reference/dockerfile/).

Only what a process image can honour. Anything else is refused with its line number instead of half understood.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_VARIABLE = re.compile(r"\\(?P<escaped>\$)|\$(?P<plain>\w+)|\$\{(?P<name>\w+)(?:(?P<mode>:[-+])(?P<word>[^}]*))?\}")
_FLAG = re.compile(r"--(?P<name>[a-z-]+)(?:=(?P<value>\S+))?\s+")


class BuildError(Exception):
    """The image cannot be built; the message is fit for the build's log and the run's error."""


@dataclass(frozen=True)
class Instruction:
    """One instruction; `line` counts from 1, `name` is in capitals, `value` is its text with continuations joined."""

    line: int
    name: str
    value: str

    def refuse(self, why: str) -> BuildError:
        return BuildError(f"Dockerfile line {self.line}: {self.name}: {why}")

    def flags(self) -> tuple[dict[str, str], str]:
        """The leading `--name=value` flags, and what follows them."""
        rest, flags = self.value, {}
        while match := _FLAG.match(rest):
            flags[match["name"]] = match["value"] or ""
            rest = rest[match.end() :]
        return flags, rest


def parse(text: str) -> list[Instruction]:
    """The instructions in order. Raises BuildError."""
    return list(_instructions(text))


def _instructions(text: str) -> Iterator[Instruction]:
    parts: list[str] = []
    start = 0
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        start = start if parts else number
        parts.append(line.strip().removesuffix("\\"))
        if not line.rstrip().endswith("\\"):
            yield _instruction(start, "".join(parts))
            parts = []
    if parts:
        yield _instruction(start, "".join(parts))


def _instruction(line: int, text: str) -> Instruction:
    name, _, value = text.strip().partition(" ")
    instruction = Instruction(line, name.upper(), value.strip())
    if instruction.name in {"RUN", "COPY", "ADD"} and re.search(r"<<-?['\"]?[A-Za-z_]", value):
        raise instruction.refuse("here-documents are not supported in a process image")
    return instruction


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$X`, `${X}`, `${X:-word}` and `${X:+word}` replaced; an unknown variable is empty, `\\$` is a dollar."""

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        found = variables.get(match["plain"] or match["name"], "")
        if match["mode"] == ":-":
            return found or match["word"]
        if match["mode"] == ":+":
            return match["word"] if found else ""
        return found

    return _VARIABLE.sub(value, text)


def bases(instructions: Iterable[Instruction], arguments: Mapping[str, str]) -> list[str]:
    """The images that FROM names, build arguments put in; stages of the same Dockerfile are left out."""
    variables: dict[str, str] = {}
    found, stages = list[str](), set[str]()
    for instruction in instructions:
        if instruction.name == "ARG" and not found:
            name, _, default = instruction.value.partition("=")
            variables[name.strip()] = arguments.get(name.strip(), default.strip().strip("\"'"))
        elif instruction.name == "FROM":
            image, *rest = expand(instruction.flags()[1], variables).split() or [""]
            found += [image] if image and image not in stages else []
            stages.update(rest[1:])  # FROM image AS stage
    return found


def pairs(instruction: Instruction) -> dict[str, str]:
    """`A=1 B="two words"`, or the old `A one value`. Raises BuildError."""
    name, space, rest = instruction.value.partition(" ")
    if "=" not in name:
        if not space:
            raise instruction.refuse(f"expected NAME=value, not {instruction.value!r}")
        return {name: rest.strip()}
    found = {}
    for word in words(instruction, instruction.value):
        key, equals, value = word.partition("=")
        if not equals:
            raise instruction.refuse(f"expected NAME=value, not {word!r}")
        found[key] = value
    return found


def words(instruction: Instruction, text: str) -> list[str]:
    """Split as a shell does. Raises BuildError for an unclosed quote."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise instruction.refuse(str(error)) from error


def exec_form(text: str) -> list[str] | None:
    """The words of `["a", "b"]`, None for the shell form."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) and all(isinstance(word, str) for word in found) else None


def command(text: str) -> list[str]:
    """What CMD or ENTRYPOINT runs; the shell form goes through /bin/sh as Docker does it."""
    return exec_form(text) or ["/bin/sh", "-c", text]
