"""Docs, template, JSON Schema and bundled configs: all say what the schema says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chatops.config import Config, bundled, docs, load
from chatops.config.document import parse
from chatops.config.fields import NAME, REQUIRED, rows
from chatops.errors import ConfigError, UsageError

CASES = Path(__file__).parents[2] / "cases" / "config"
PAGE = Path(__file__).parents[3] / "docs" / "config.md"


def written(config: str) -> dict[str, Any]:
    return parse(bundled.config_file(config).read_text(encoding="utf-8"), config).data


def paths_of(data: dict[str, Any], prefix: str = "") -> set[str]:
    found = set()
    for key, value in data.items():
        name = NAME if prefix in ("services.", "domain.") or prefix.endswith(".schedule.") else key
        found.add(f"{prefix}{name}")
        if isinstance(value, dict):
            found |= paths_of(value, f"{prefix}{name}.")
    return found


@pytest.mark.parametrize("name", bundled.CONFIGS)
def test_bundled_configs_load(name: str) -> None:
    assert load(bundled.config_file(name)).name == "chat"


def test_bundled_configs_name_every_field() -> None:
    named = set().union(*(paths_of(written(name)) for name in bundled.CONFIGS))
    assert {row.path for row in rows()} - named == set()


@pytest.mark.parametrize("name", bundled.CONFIGS)
def test_bundled_configs_explain_themselves(name: str) -> None:
    """A comment at every section, and no line too long to read."""
    text = bundled.config_file(name).read_text(encoding="utf-8")
    blocks = [block for block in text.split("\n\n") if re.search(r"^\w+:$", block, re.MULTILINE)]
    assert len(blocks) >= 2
    assert [block for block in blocks if "#" not in block] == []
    assert max(len(line) for line in text.splitlines()) <= 120


def test_azure_yaml_holds_the_defaults() -> None:
    config = load(bundled.config_file("azure"))
    default = Config()
    for section in ("name", "location", "network", "vault", "database", "registry", "logs", "images", "model"):
        assert vars(config)[section] == vars(default)[section], section
    ui, lm_api = config.services["ui"], config.services["lm-api"]
    plain = {
        "ui": ui.model_copy(update={"scale": ui.scale.model_copy(update={"schedule": {}})}),
        "lm-api": lm_api.model_copy(update={"env": {}, "smoke": None}),
    }
    assert {**config.services, **plain} == default.services


def test_an_unknown_bundled_config_is_refused() -> None:
    with pytest.raises(ConfigError, match="one of: local, azure, small, domain"):
        bundled.config_file("../../etc/passwd")


def test_every_field_is_described_in_full() -> None:
    for entry in docs.entries():
        assert entry.description.endswith((".", "`.")), entry.path
        assert entry.takes, entry.path


def test_documented_defaults_are_the_defaults() -> None:
    """Each default that the docs show loads, written into a file at that path, and changes nothing."""
    for entry in docs.entries():
        if not entry.default or entry.default == "required" or NAME in entry.path:
            continue
        text = f"default: {entry.default}"
        *sections, name = entry.path.split(".")
        data = parse(text, "docs").data["default"]
        for section in reversed([*sections, name]):
            data = {section: data}
        if sections in (["azure"], ["budget"]):  # no section, no default
            continue
        assert Config.model_validate(data) == Config(), entry.path


def test_docs_of_one_service_show_its_own_defaults() -> None:
    shown = {entry.path: entry.default for entry in docs.entries("services.lm-api")}
    assert shown["services.lm-api.memory"] == "4Gi"
    assert shown["services.lm-api.scale.concurrency"] == "2"
    assert set(shown) == {
        row.path.replace(NAME, "lm-api", 1) for row in rows() if row.path.startswith(f"services.{NAME}")
    }


def test_docs_of_a_field_that_is_none() -> None:
    with pytest.raises(UsageError, match=r'no field "database\.size"') as caught:
        docs.entries("database.size")
    assert caught.value.hint is not None


def test_markdown_comes_back_as_it_went() -> None:
    lines = docs.markdown().splitlines()[2:]
    table = [[cell.strip().strip("`") for cell in line.strip("| ").split(" | ")] for line in lines]
    assert [row[0] for row in table] == [row.path for row in rows()]


def test_the_page_about_the_file_is_up_to_date() -> None:
    """When this fails: replace the table in docs/config.md by what `docs.markdown()` returns."""
    assert PAGE.read_text(encoding="utf-8").endswith(f"\n\n{docs.markdown()}")


def test_the_template_is_a_config_of_defaults_but_for_the_local_scaling() -> None:
    assert docs.template() == bundled.config_file("local").read_text(encoding="utf-8")
    config = load(bundled.config_file("local"))
    plain = {
        name: service.model_copy(update={"scale": service.scale.model_copy(update={"cooldown": 300, "polling": 30})})
        for name, service in config.services.items()
    }
    assert config.model_copy(update={"services": plain}) == Config()


validator = Draft202012Validator(docs.json_schema())


def test_the_json_schema_is_one() -> None:
    Draft202012Validator.check_schema(docs.json_schema())


def test_the_json_schema_describes_every_field() -> None:
    schema = docs.json_schema()
    for row in rows():
        node = schema
        for step in row.path.split("."):
            node = _resolve(node, schema)
            node = node["additionalProperties"] if step == NAME else node["properties"][step]
        assert node["description"] == row.description, row.path
        assert ("default" in node) == (row.default is not REQUIRED), row.path


def _resolve(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    node = next((option for option in node.get("anyOf", ()) if "$ref" in option), node)
    return schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


@pytest.mark.parametrize("name", bundled.CONFIGS)
def test_bundled_configs_fit_the_json_schema(name: str) -> None:
    validator.validate(written(name))


@pytest.mark.parametrize(
    "text",
    [
        "location: Germany West Central",
        "database: {version: 17}",
        'database: {version: "17"}',
        "tags: {cost-centre: 4711}",
        "services: {lm-api: {scale: {max: 9}}, worker: {image: ./worker}}",
    ],
)
def test_what_loads_fits_the_json_schema(text: str) -> None:
    validator.validate(parse(text, "case").data)


@pytest.mark.parametrize(
    "case",
    [
        "unknown-key",
        "wrong-types",
        "bad-stack-name",
        "stack-name-too-long",
        "azure-section-without-subscription",
        "cpu-that-azure-refuses",
        "scale-out-of-range",
        "bad-service-name",
        "misspelt-service",
        "unknown-key-of-another-section",
        "image-builder",
    ],
)
def test_editors_see_what_needs_no_second_field(case: str) -> None:
    data = parse((CASES / f"{case}.yaml").read_text(encoding="utf-8"), case).data
    assert not validator.is_valid(data)
