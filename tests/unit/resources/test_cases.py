"""Cases as data: a configuration and what Azure answers, and the action that follows (tests/cases/kinds)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from chatops import stack
from chatops.azure.cloud import Cloud
from chatops.config.schema import Config
from chatops.engine.plan import decide
from chatops.engine.resource import Known, Observed
from chatops.images.context import Context
from chatops.images.sources import ServiceImage, Workshop

CASES = Path(__file__).parents[2] / "cases" / "kinds"
SUBSCRIPTION = "s"


def cases() -> list[Any]:
    found = []
    for file in sorted(CASES.glob("*.yaml")):
        unique = stack.names_of(Config(), SUBSCRIPTION).unique
        for case in YAML(typ="safe").load(file.read_text().replace("@UNIQUE@", unique)):
            found.append(pytest.param(case, id=f"{file.stem}: {case['case']}"))
    return found


def resources(config: Config, folder: Path) -> dict[str, Any]:
    workshop = Workshop("registry", "scratch", Cloud("azure", "https://a", SUBSCRIPTION))
    image = ServiceImage("0123456789abcdef", workshop, Context(folder))
    site = stack.Site(
        subscription=SUBSCRIPTION,
        tenant="22222222-2222-2222-2222-222222222222",
        operator="33333333-3333-3333-3333-333333333333",
        operator_kind="User",
        vault_suffix=".vault.azure.net",
        registry_suffix=".azurecr.io",
        postgres_domain="postgres.database.azure.com",
        images={service.image: image for service in config.services.values()},
    )
    return {resource.address: resource for resource in stack.resources(config, site)}


@pytest.mark.parametrize("case", cases())
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    config = Config.model_validate(case.get("config", {}))
    resource = resources(config, tmp_path)[case["address"]]
    observed = case["observed"] and Observed(case["observed"])

    step = decide(resource, observed, Known(case.get("known", {})))

    assert step.action.name.lower() == case["action"]
    assert sorted(change.path for change in step.changes) == sorted(case.get("changes", []))
