"""Whole stacks written by the real engine and the real SDK clients, to nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contract.sent import COMPUTED, SUBSCRIPTION, TENANT, Record, imagined

from chatops import stack
from chatops.azure.clients import Azure
from chatops.config.schema import Config
from chatops.engine.apply import apply
from chatops.engine.plan import plan_up
from chatops.engine.resource import Known, Observed
from chatops.images.sources import Workshop, sources
from chatops.resources import Image

DIGEST = f"sha256:{'0' * 64}"


def resources_of(config: Config) -> list[Any]:
    """The stack of a configuration, as a user of an imagined directory has it."""
    images = sources(config, Workshop("registry", config.images.base, imagined(Record())), Path())
    site = stack.Site(
        subscription=SUBSCRIPTION,
        tenant=TENANT,
        operator="55555555-5555-5555-5555-555555555555",
        operator_kind="User",
        vault_suffix=".vault.azure.net",
        registry_suffix=".azurecr.io",
        postgres_domain="postgres.database.azure.com",
        images=images,
    )
    return stack.resources(config, site)


def observed_of(config: Config) -> dict[str, Observed]:
    """What Azure holds after `up` with this configuration."""
    bodies: dict[str, Any] = {}
    for resource in resources_of(config):
        body = resource.body(Known(bodies))
        outputs = {"digest": DIGEST} if isinstance(resource, Image) else {"properties": {**COMPUTED}}
        bodies[resource.address] = _laid_over(outputs, body)
    return {address: Observed(body) for address, body in bodies.items()}


def _laid_over(outputs: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    properties = {**outputs.get("properties", {}), **body.get("properties", {})}
    return {**outputs, **body, **({"properties": properties} if properties else {})}


def write(config: Config, before: Config | None = None) -> Record:
    """Create the stack, or change it from `before`; return what left. Images count as built."""
    record = Record()
    azure = Azure(imagined(record))
    there = observed_of(before) if before else {}
    record.read = {
        r.id.lower(): there[r.address].body
        for r in resources_of(before or config)
        if r.address in there and not isinstance(r, Image)
    }
    images = {address: seen for address, seen in observed_of(config).items() if address.startswith("image/")}
    plan = plan_up(resources_of(config), {**there, **images})
    outcome = apply(plan, azure, lambda event: None, azure.stop)
    assert outcome.failed == {} and outcome.complete
    return record
