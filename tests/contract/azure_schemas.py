"""Azure's published schemas of request bodies, made strict: closed objects, and no template expressions to hide behind.

They lie beside the checkout (or where CHATOPS_AZURE_SCHEMAS says); they are Microsoft's, so they are not part of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

FOLDER = Path(
    os.environ.get("CHATOPS_AZURE_SCHEMAS") or Path(__file__).parents[3].joinpath("shared", "azure-schemas")
).absolute()

BUILDS = "microsoft.containerregistry/registries/schedulerun"

FILES = {
    "microsoft.app": "Microsoft.App@2026-01-01",
    "microsoft.authorization": "Microsoft.Authorization@2022-04-01",
    "microsoft.consumption": "Microsoft.Consumption@2024-08-01",
    "microsoft.containerregistry": "Microsoft.ContainerRegistry@2025-11-01",
    BUILDS: "Microsoft.ContainerRegistry.RegistryTasks@2025-03-01-preview",
    "microsoft.dbforpostgresql": "Microsoft.DBforPostgreSQL@2025-08-01",
    "microsoft.keyvault": "Microsoft.KeyVault@2026-02-01",
    "microsoft.managedidentity": "Microsoft.ManagedIdentity@2024-11-30",
    "microsoft.network": "Microsoft.Network.NRP@2025-07-01",
    "microsoft.network/dnszones": "Microsoft.Network.DNS@2018-05-01",
    "microsoft.network/privatednszones": "Microsoft.Network.privateDns@2024-06-01",
    "microsoft.operationalinsights": "Microsoft.OperationalInsights@2025-07-01",
}
"""Namespace, or the start of a type that has a file of its own -> file."""

CORRECTIONS = {
    # the schemas' generator writes every number of an older API description as an integer; Azure's own docs say 0.25
    ("Microsoft.App@2026-01-01", "ContainerResources", "cpu"): {"type": "number"},
}
"""(file, definition, property) -> what is true instead; each with its reason."""

NOT_REQUIRED = {
    # a template has to write `properties: {}`; the REST API and Azure's own client leave out what is empty
    ("Microsoft.ManagedIdentity@2024-11-30", "resourceDefinitions/userAssignedIdentities"): "properties",
    ("Microsoft.Network.DNS@2018-05-01", "resourceDefinitions/dnsZones"): "properties",
}
"""(file, place) -> the member that templates must have and requests need not; each with its reason."""


@dataclass(frozen=True)
class Target:
    """What a body is checked against: a place in a file. `partial`: a PATCH, where nothing is required."""

    file: str
    place: str
    partial: bool = False


def of_resource(type: str, partial: bool) -> Target | None:
    """Return the schema of a resource type's body, None when Azure publishes none."""
    lowered = type.lower()
    start = max((name for name in FILES if lowered.startswith(name)), key=len, default=None)
    if start is None:
        return None
    wanted = "_".join(lowered.split("/")[1:])
    for section in ("resourceDefinitions", "extension_resourceDefinitions"):
        for name in _read(FILES[start]).get(section, {}):
            if name.lower() == wanted:
                return Target(FILES[start], f"{section}/{name}", partial)
    return None


def of_definition(start: str, name: str) -> Target:
    """Return a definition of a file as the schema of a body that is no resource."""
    return Target(FILES[start], f"definitions/{name}")


def errors(target: Target, name: str, body: Any) -> Iterator[Any]:
    """Yield what Azure would refuse in `body`, and in the name that the URL gives it."""
    yield from _validator(target).iter_errors(_as_resource(target, name, body))


def _as_resource(target: Target, name: str, body: Any) -> Any:
    """A template's resource also names itself; a request's URL does that."""
    if not target.place.startswith("resourceDefinitions"):
        return body
    properties = _at(target)["properties"]
    named = {key: properties[key]["enum"][0] for key in ("type", "apiVersion")}
    return {"name": name, **named, **body}


@cache
def _validator(target: Target) -> Draft4Validator:
    document = _read(target.file)
    strict = _strict({key: value for key, value in document.items() if key != "id"}, target.partial)
    for (file, definition, name), truth in CORRECTIONS.items():
        if file == target.file:
            strict["definitions"][definition]["properties"][name] = truth
    if (spared := NOT_REQUIRED.get((target.file, target.place))) and not target.partial:
        section, name = target.place.split("/")
        strict[section][name]["required"].remove(spared)
    return Draft4Validator({**strict, "$ref": f"#/{target.place}"})


def _strict(schema: Any, partial: bool) -> Any:
    if isinstance(schema, list):
        return [_strict(item, partial) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(alternatives := schema.get("oneOf"), list):
        kept = [one for one in alternatives if not str(one.get("$ref", "")).endswith("definitions/expression")]
        if len(kept) == 1 and len(kept) < len(alternatives):
            return _strict(kept[0], partial)
        schema = {**schema, "oneOf": kept}
    found = {key: _strict(value, partial) for key, value in schema.items() if not (partial and key == "required")}
    composed = {"allOf", "oneOf", "anyOf"} & set(schema)
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not composed:
        found.setdefault("additionalProperties", False)
    return found


def _at(target: Target) -> Any:
    found = _read(target.file)
    for key in target.place.split("/"):
        found = found[key]
    return found


@cache
def _read(file: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / f"{file}.json").read_text(encoding="utf-8"))
    return read
