"""A custom domain put into the YAML file, or taken out of it, as if the operator had written it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chatops.config.document import dotted_path, parse
from chatops.config.draft import Draft
from chatops.config.edit import Keys, Value, edited, laid, without
from chatops.config.load import shown_path, text_of, validate
from chatops.domain.hostname import NotAHostName, host_name
from chatops.errors import ConfigError, UsageError


def bound(path: Path, host: str, values: Mapping[str, Value]) -> Draft:
    """Draft `host` with these fields. Raises ConfigError for the file, UsageError for what was asked for."""
    text, file = text_of(path), shown_path(path)
    document = parse(text, file)
    config = validate(document, path.parent)
    written = _written(document.data, host) or host
    there = vars(config.domain[host]) if host in config.domain else {}
    news: dict[Keys, Value] = {
        ("domain", written, name): value for name, value in values.items() if there.get(name) != value
    }
    try:
        then = validate(replace(document, data=laid(document.data, news)), path.parent)
    except ConfigError as error:
        fields = {dotted_path(("domain", written, name)): name for name in values}
        said = [f"{fields.get(problem.path, problem.path)}: {problem.found}" for problem in error.problems]
        hints = (problem.hint or (problem.expected and f"give {problem.expected}") for problem in error.problems)
        raise UsageError("\n".join(said), next(filter(None, hints), None)) from None
    return Draft(path, text, edited(text, news, file) if news else text, then)


def unbound(path: Path, host: str) -> Draft:
    """Draft the file without `host`. Raises ConfigError."""
    text, file = text_of(path), shown_path(path)
    document = parse(text, file)
    written = _written(document.data, host)
    after = without(text, ("domain", written), file) if written else text
    return Draft(path, text, after, validate(parse(after, file), path.parent))


def _written(data: dict[str, Any], host: str) -> str | None:
    """Return how the file spells the host, which may be in other letters."""
    for name in data.get("domain") or {}:
        try:
            if host_name(name, managed=False) == host:
                return str(name)
        except NotAHostName:
            continue
    return None
