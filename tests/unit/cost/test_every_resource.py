"""Nothing is forgotten: every resource of every bundled configuration is told with its price, as free or as unknown."""

from __future__ import annotations

import pytest

from chatops.config import bundled as configs
from chatops.config.load import load
from chatops.cost.meter import NO_CHARGE, UNPRICED
from chatops.cost.prices import GLOBAL, bundled, regions
from chatops.costing import charged
from chatops.resources import (
    ContainerApp,
    ContainerRegistry,
    KeyVault,
    LogWorkspace,
    ManagedEnvironment,
    PostgresServer,
    PrivateDnsZone,
)

BILLED = (ContainerApp, ContainerRegistry, KeyVault, LogWorkspace, ManagedEnvironment, PostgresServer, PrivateDnsZone)
FREE = {
    "resource group",
    "virtual network",
    "private DNS link",
    "managed identity",
    "role assignment",
    "secret",
    "database",
    "image",
}
"""Kinds of every stack that Azure's price list has no meter for."""


@pytest.mark.parametrize("name", configs.CONFIGS)
def test_every_resource_of_the_bundled_configs(name: str) -> None:
    charges = charged(load(configs.config_file(name)))
    kinds = {charge.label.split(" '")[0]: charge.meters for charge in charges}
    assert {kind.words for kind in BILLED} <= {
        kind for kind, meters in kinds.items() if meters not in (NO_CHARGE, UNPRICED)
    }
    assert {kind for kind, meters in kinds.items() if meters == NO_CHARGE} >= FREE
    assert len({charge.address for charge in charges}) == len(charges)


@pytest.mark.parametrize("name", configs.CONFIGS)
def test_every_meter_is_in_the_price_book(name: str) -> None:
    meters = {meter.name for charge in charged(load(configs.config_file(name))) for meter in charge.meters}
    assert meters - set(bundled().definitions) <= {meter.name for meter in UNPRICED}


def test_what_an_environment_brings_unasked() -> None:
    charges = charged(load(configs.config_file("azure")))
    environment = next(charge for charge in charges if charge.address == "environment")
    counted = {meter.name: int(meter.amount) for meter in environment.meters if not meter.doubtful}
    assert counted == {"load-balancer/rules": 1, "address/standard": 2}


def test_every_price_has_its_source_and_is_of_a_known_region() -> None:
    for price in bundled().rows.values():
        assert price.source, price
        assert price.confidence in ("retail", "quoted", "golden", "derived"), price
        assert price.region in (*regions(), GLOBAL), price
        assert price.price > 0, price
