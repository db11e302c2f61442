"""What there is to say about the YAML file, from its schema: every field, a JSON Schema for editors, a template."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from chatops.config import bundled
from chatops.config.fields import NAME, REQUIRED, Row, rows
from chatops.config.load import FILE
from chatops.config.schema import Config
from chatops.config.schema.services import DEFAULTS
from chatops.errors import UsageError


@dataclass(frozen=True)
class Entry:
    """One field in words, ready to be shown."""

    path: str
    takes: str
    default: str
    description: str


def entries(path: str | None = None) -> list[Entry]:
    """Every field, or `path` ("services.lm-api.scale") and what is in it. Raises UsageError for an unknown path."""
    service = _service(path)
    asked = re.sub(r"^services\.[^.]+", f"services.{NAME}", path) if path else None
    found = [row for row in rows() if asked is None or row.path == asked or row.path.startswith(f"{asked}.")]
    if not found:
        known = [row.path for row in rows()]
        close = get_close_matches(asked or "", known, n=1, cutoff=0.5)
        raise UsageError(f'the config has no field "{path}"', f'did you mean "{close[0]}"?' if close else None)
    return [_entry(row, service) for row in found]


def _service(path: str | None) -> str | None:
    """The one of the stack's own services that `path` is about."""
    match (path or "").split("."):
        case ["services", name, *_] if name in DEFAULTS:
            return name
        case _:
            return None


def _entry(row: Row, service: str | None) -> Entry:
    path = row.path.replace(NAME, service, 1) if service else row.path
    return Entry(path, row.kind.words, _default(row, service), row.description)


def _default(row: Row, service: str | None) -> str:
    head = f"services.{NAME}."
    steps = row.path.removeprefix(head).split(".")
    if not row.path.startswith(head) or NAME in steps:
        return _shown(row.default)
    if service:
        return _shown(_of_service(service, steps))
    general = _shown(row.default)
    own = {name: _shown(_of_service(name, steps)) for name in DEFAULTS}
    differ = ", ".join(f"{name}: {text}" for name, text in own.items() if text != general)
    return f"{general} ({differ})" if differ else general


def _of_service(service: str, steps: list[str]) -> object:
    value: object = Config().services[service]
    for step in steps:
        value = vars(value)[step]
    return value


def _shown(value: object) -> str:
    match value:
        case _ if value is REQUIRED:
            return "required"
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case dict() | BaseModel():
            return ""
        case list() | tuple():
            return f"[{', '.join(map(str, value))}]"
        case _:
            return str(value)


def markdown(path: str | None = None) -> str:
    """The fields as a Markdown table. Raises UsageError when there is no such path."""
    lines = ["| field | takes | default | |", "|---|---|---|---|"]
    for entry in entries(path):
        cells = (f"`{entry.path}`", entry.takes, f"`{entry.default}`" if entry.default else "", entry.description)
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def template() -> str:
    """What `chatops init` writes: the bundled local config, comments and all."""
    return bundled.config_file("local").read_text(encoding="utf-8")


def json_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) of the file, for editors: completion, types, ranges, descriptions.

    Rules between two fields (subnets inside the network, memory that goes with cpu) are left to `config check`.
    """
    schema = _tidy(Config.model_json_schema(mode="validation"))
    any_service = schema["$defs"]["Service"]
    services = schema["properties"]["services"]
    services["additionalProperties"]["required"] = any_service.pop("required")
    services["properties"] = {
        name: {"$ref": "#/$defs/Service", "default": to_jsonable_python(service)}
        for name, service in Config().services.items()
    }
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FILE}
    return {**head, **schema, "description": "A stack of chatops: an AI chat app, and where it is to run."}


def _tidy(node: Any) -> Any:
    """Without pydantic's titles, and with names that must fit their pattern (pydantic lets others pass)."""
    if not isinstance(node, dict):
        return [_tidy(item) for item in node] if isinstance(node, list) else node
    tidy = {key: _tidy(value) for key, value in node.items() if key != "title" or isinstance(value, dict)}
    match tidy.pop("patternProperties", None):
        case dict() as patterns:
            ((pattern, held),) = patterns.items()
            tidy["propertyNames"] = {**tidy.get("propertyNames", {}), "pattern": pattern}
            tidy["additionalProperties"] = held
    return tidy
