"""A service's size changed from the command line: checked as if the YAML file said so, then written into it.

Nothing is written before `Draft.write`. What the file itself gets wrong is reported with its line; what the command
line asks for and cannot be, with the option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chatops.config.document import dotted_path, parse
from chatops.config.draft import Draft
from chatops.config.edit import Value, edited, laid
from chatops.config.load import require_service, shown_path, text_of, validate
from chatops.config.schema import Config
from chatops.config.schema.services import PAIRS
from chatops.errors import ConfigError, Problem, UsageError

PLACES = {
    "min": ("scale", "min"),
    "max": ("scale", "max"),
    "concurrency": ("scale", "concurrency"),
    "cpu": ("cpu",),
    "memory": ("memory",),
    "profile": ("profile",),
}
"""Option -> where its value stands within a service."""


def resized(path: Path, service: str, wanted: Mapping[str, Value]) -> Draft:
    """Draft `service` with the options' values. Raises ConfigError for the file, UsageError for the options."""
    text, file = text_of(path), shown_path(path)
    document = parse(text, file)
    config = validate(document, path.parent)
    require_service(config, service)
    changes = {("services", service, *PLACES[option]): value for option, value in wanted.items()}
    try:
        then = validate(replace(document, data=laid(document.data, changes)), path.parent)
    except ConfigError as error:
        raise _refused(error.problems, service, wanted) from None
    news = {keys: value for keys, value in changes.items() if _at(then, keys) != _at(config, keys)}
    return Draft(path, text, edited(text, news, file), then)


def _at(config: Config, keys: tuple[str, ...]) -> object:
    value: Any = config.services[keys[1]]
    for key in keys[2:]:
        value = vars(value)[key]
    return value


def _refused(problems: tuple[Problem, ...], service: str, wanted: Mapping[str, Value]) -> UsageError:
    """The options' fault: the file was right before."""
    options = {dotted_path(("services", service, *PLACES[option])): option for option in wanted}
    given = {
        option: f"--{option} {value:g}" if isinstance(value, float) else f"--{option} {value}"
        for option, value in wanted.items()
    }
    lines = []
    for problem in problems:
        option = options.get(problem.path)
        place = "" if option or problem.line is None else f"{problem.file}:{problem.line} {problem.path}: "
        expected = "" if _of_size(problem) or not problem.expected else f"; expected {problem.expected}"
        lines.append(f"{given[option] if option else ' '.join(given.values())}: {place}{problem.found}{expected}")
    return UsageError("\n".join(lines), hint=_sizes() if any(map(_of_size, problems)) else None)


def _of_size(problem: Problem) -> bool:
    return problem.path.rpartition(".")[2] in ("cpu", "memory")


def _sizes() -> str:
    pairs = ", ".join(f"{cpu:g} with {gib:g}Gi" for cpu, gib in PAIRS)
    return f"give --cpu and --memory as one of the pairs that Azure takes: {pairs}"
