"""Every body that leaves towards Azure is one that Azure's own schemas take."""

from __future__ import annotations

from typing import Any

import pytest
from contract import azure_schemas
from contract.generated import changes, config_of, documents
from contract.sent import TENANT, Sent
from contract.stacks import write
from hypothesis import HealthCheck, Phase, given, settings

from chatops.config import bundled
from chatops.config.load import load
from chatops.config.schema import Config
from chatops.resources import ARM_KINDS

pytestmark = pytest.mark.skipif(
    not azure_schemas.FOLDER.is_dir(),
    reason=f"Azure's schemas are not at {azure_schemas.FOLDER}; CHATOPS_AZURE_SCHEMAS names their folder",
)

SETTINGS = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)

WRONG: dict[str, tuple[str, Any]] = {
    "a misspelt key": ("properties.template.scale.maxReplica", 3),
    "a text for a number": ("properties.configuration.ingress.targetPort", "80"),
    "a number for a text": ("properties.environmentId", 5),
    "a word that is none of Azure's": ("properties.configuration.ingress.transport", "http3"),
    "a key where none may be": ("propertys", {}),
}


OF_DOMAINS = {
    "microsoft.network/dnszones",
    "microsoft.network/dnszones/recordsets",
    "microsoft.app/managedenvironments/managedcertificates",
    "microsoft.app/managedenvironments/certificates",
}


def problems(sent: list[Sent]) -> list[str]:
    return [problem for one in sent for problem in one.problems()]


def without_domains(name: str) -> Config:
    """A bundled configuration but for its domains, whose kinds ask name servers: test_wire.py has those."""
    return load(bundled.config_file(name)).model_copy(update={"domain": {}})


@pytest.mark.parametrize("name", bundled.CONFIGS)
def test_bundled_configurations(name: str) -> None:
    record = write(without_domains(name))

    assert problems(record.sent) == []
    assert any(".vault.azure.net/secrets/" in one.url for one in record.sent)


def test_together_the_bundled_configurations_write_every_kind() -> None:
    records = [write(without_domains(name)) for name in bundled.CONFIGS]
    sent = {str(one.type).lower() for record in records for one in record.sent}
    beside_arm = {"microsoft.resources/resourcegroups", "microsoft.keyvault/vaults/secrets"}
    assert {kind.type.lower() for kind in ARM_KINDS} - beside_arm - OF_DOMAINS <= sent


@SETTINGS
@given(documents())
def test_generated_configurations(document: dict[str, Any]) -> None:
    assert problems(write(config_of(document)).sent) == []


@SETTINGS
@given(changes())
def test_changes_from_one_generated_configuration_to_another(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = pair

    record = write(config_of(after), config_of(before))

    assert problems(record.sent) == []


def test_a_change_of_everything_is_sent_as_updates() -> None:
    before = {"name": "chat"}
    service = {"cpu": 1, "memory": "2Gi", "env": {"A": "b"}, "scale": {"max": 9}}
    after = {
        **before,
        "tags": {"purpose": "chat"},
        "network": {"address_space": "10.0.0.0/23", "apps_subnet": "10.0.0.0/25", "database_subnet": "10.0.0.128/25"},
        "database": {"sku": "Standard_B2s", "storage_gb": 64, "backup_days": 9},
        "registry": {"sku": "Premium"},
        "logs": {"retention_days": 90},
        "services": {"ui": service},
    }

    record = write(config_of(after), config_of(before))

    assert problems(record.sent) == []
    methods = {str(one.type).rpartition("/")[2]: one.method for one in record.sent}
    put = ("virtualNetworks", "privateDnsZones", "vaults", "workspaces", "managedEnvironments", "virtualNetworkLinks")
    patched = ("containerApps", "flexibleServers", "registries")
    assert {**dict.fromkeys(put, "PUT"), **dict.fromkeys(patched, "PATCH")}.items() <= methods.items()


@pytest.mark.parametrize(("place", "value"), WRONG.values(), ids=WRONG)
def test_a_wrong_field_is_caught(place: str, value: Any) -> None:
    record = write(load(bundled.config_file("local")))
    app = next(one for one in record.sent if one.url.partition("?")[0].endswith("/containerApps/ui"))
    assert app.problems() == []

    *path, last = place.split(".")
    inner = app.body
    for key in path:
        inner = inner[key]
    inner[last] = value

    assert len(app.problems()) == 1, app.problems()
    assert last in app.problems()[0] or str(value) in app.problems()[0]


def test_a_body_without_a_schema_is_caught() -> None:
    unknown = Sent("PUT", "https://management.azure.com/subscriptions/s/providers/Microsoft.New/things/x", {})
    assert unknown.problems() == [f"{unknown.what}: there is no schema for this body"]


def test_what_a_service_computed_may_go_back_but_nothing_else() -> None:
    url = "https://management.azure.com/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v-1"
    body = {
        "location": "westeurope",
        "properties": {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "hsmPoolResourceId": "x"},
    }
    assert Sent("PUT", url, body, read={"properties": {"hsmPoolResourceId": "x"}}).problems() == []
    assert len(Sent("PUT", url, body, read={"properties": {"hsmPoolResourceId": "y"}}).problems()) == 1
