"""`chatops doctor` names each trouble that a subscription may have and says what to do, and is content without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from preflight.conftest import LOCATION, Clinic, clinic_in, open_clinic

from chatops.cli.up import up
from chatops.errors import ChatopsError
from chatops.naming import Names

OTHER = "99999999-9999-9999-9999-999999999999"
APPS, SERVERS = "Microsoft.App/managedEnvironments", "Microsoft.DBforPostgreSQL/flexibleServers"
OWNER_ASSIGNMENT = "7f0b5bd5-9e2c-5a8e-8a43-6d1f2b0c9d10"
ROLES = {
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
}


def names(clinic: Clinic) -> Names:
    return Names(clinic.stack, clinic.cloud.subscription, clinic.group)


def take(type: str, name: Callable[[Names], str]) -> Callable[[Clinic], None]:
    return lambda clinic: clinic.preset(taken_names={type: [name(names(clinic))]})


def delete_a_vault_elsewhere(clinic: Clinic, protected: bool) -> None:
    name = names(clinic).world("kv")
    properties: dict[str, Any] = {
        "tenantId": clinic.azure.operator.tenant,
        "sku": {"family": "A", "name": "standard"},
        **({"enablePurgeProtection": True} if protected else {}),
    }
    clinic.make_group("elsewhere", "westeurope")
    vaults = clinic.azure.vaults.vaults
    vaults.begin_create_or_update("elsewhere", name, {"location": "westeurope", "properties": properties}).result()
    vaults.delete("elsewhere", name)


def overlapping_network(clinic: Clinic) -> None:
    clinic.make_group()
    body: Any = {"location": LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.128/25"]}}}
    clinic.azure.network.virtual_networks.begin_create_or_update(clinic.group, "theirs", body).result()


def group_being_deleted(clinic: Clinic) -> None:
    clinic.make_group()
    clinic.preset(held=["Microsoft.Resources/resourceGroups"])
    clinic.call("DELETE", f"{clinic.scope}/resourceGroups/{clinic.group}")


def wrong_secret(clinic: Clinic) -> None:
    wrong = clinic.config.with_suffix(".secret")
    wrong.write_text("not the secret")
    clinic.changes.update(client_secret_file=str(wrong))


@dataclass(frozen=True)
class Trouble:
    """How a trouble is made, the check that must name it, and words of what it must say and advise."""

    make: Callable[[Clinic], Any]
    check: str
    says: str
    advises: str


TROUBLES = {
    "an unregistered provider": Trouble(
        lambda c: c.call("POST", f"{c.scope}/providers/Microsoft.App/unregister"),
        "resource providers",
        "not registered: Microsoft.App",
        "az provider register --namespace Microsoft.App",
    ),
    "a region without Container Apps": Trouble(
        lambda c: c.preset(restricted_regions={APPS: [LOCATION]}),
        f"region: {APPS}",
        f"not offered in {LOCATION}",
        "switzerlandnorth",
    ),
    "a region without key vaults": Trouble(
        lambda c: c.preset(restricted_regions={"Microsoft.KeyVault/vaults": [LOCATION]}),
        "region: Microsoft.KeyVault/vaults",
        f"not offered in {LOCATION}",
        "set another location",
    ),
    "a region closed for PostgreSQL": Trouble(
        lambda c: c.preset(restricted_regions={SERVERS: [LOCATION, "switzerlandnorth"]}),
        "PostgreSQL offer",
        f"may not have PostgreSQL servers in {LOCATION}",
        "it can be had in westeurope, italynorth, austriaeast",
    ),
    "a size that there is not": Trouble(
        lambda c: c.write(database={"sku": "Standard_D2ds_v9"}),
        "PostgreSQL offer",
        "Standard_D2ds_v9 is not offered",
        "set database.sku",
    ),
    "a version that the region has not": Trouble(
        lambda c: c.preset(restricted_regions={f"{SERVERS}/versions/16": [LOCATION]}),
        "PostgreSQL offer",
        "version 16 is not offered",
        "set database.version to one of 18, 17",
    ),
    "a size that the region has not": Trouble(
        lambda c: c.preset(restricted_regions={f"{SERVERS}/skus/Standard_B1ms": [LOCATION]}),
        "PostgreSQL offer",
        "Standard_B1ms is not offered",
        "Standard_B2s",
    ),
    "a quota that is full": Trouble(
        lambda c: c.preset(quotas={APPS: 0}), "quota: environments", "0 used, limit 0, 1 needed", "ask for more"
    ),
    "a registry name that is taken": Trouble(
        take("Microsoft.ContainerRegistry/registries", lambda n: n.alphanumeric("cr")),
        "registry name",
        "is taken",
        "change `name`",
    ),
    "a vault name that is taken": Trouble(
        take("Microsoft.KeyVault/vaults", lambda n: n.world("kv")), "vault name", "is taken", "change `name`"
    ),
    "a server name that is taken": Trouble(
        take(SERVERS, lambda n: n.world("db")), "database server name", "is taken", "change `name`"
    ),
    "a deleted vault elsewhere": Trouble(
        lambda c: delete_a_vault_elsewhere(c, protected=False), "vault name", "deleted vault", "az keyvault purge"
    ),
    "a deleted vault elsewhere, protected from purging": Trouble(
        lambda c: delete_a_vault_elsewhere(c, protected=True), "vault name", "purge protection", "change `name`"
    ),
    "no credential": Trouble(wrong_secret, "credential", "Invalid client secret", "az login"),
    "another tenant": Trouble(
        lambda c: c.changes.update(tenant=OTHER), "credential", f"azure.tenant is {OTHER}", "az login --tenant"
    ),
    "no such subscription": Trouble(
        lambda c: c.changes.update(subscription=OTHER), "subscription", f"no subscription {OTHER}", "az account list"
    ),
    "an address space that overlaps": Trouble(
        overlapping_network, "address space", "overlaps with 10.0.0.128/25 of virtual network 'theirs'", "set network"
    ),
    "a group of another stack": Trouble(
        lambda c: c.make_group(**{"chatops-stack": "another"}),
        "resource group",
        "belongs to stack 'another'",
        "azure.resource_group",
    ),
    "a group in another region": Trouble(
        lambda c: c.make_group(location="westeurope"), "resource group", "lies in westeurope", "set location"
    ),
    "a trial, whose registries do not build": Trouble(
        lambda c: c.preset(offer="FreeTrial_2014-09-01"),
        "image builder",
        "registries of FreeTrial_2014-09-01 may not build images",
        "start Docker here",
    ),
    "a group being deleted": Trouble(group_being_deleted, "resource group", "is being deleted", "wait until"),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_trouble(clinic: Clinic, trouble: Trouble) -> None:
    trouble.make(clinic)

    result = clinic.examine()

    assert result.failed == [trouble.check]
    row = result.rows[trouble.check]
    assert trouble.says in row["found"]
    assert trouble.advises in row["do"]
    assert result.error is not None and result.error.exit_code == 1
    assert trouble.check in result.error.message and result.error.hint == row["do"]


def test_without_trouble_all_checks_pass_and_only_read(clinic: Clinic) -> None:
    result = clinic.examine()

    assert result.failed == [] and result.error is None
    assert len(result.rows) >= 18
    assert result.rows["quota: environments"]["found"].endswith(f"1 needed in {LOCATION}")
    assert not clinic.azure.resources.resource_groups.check_existence(clinic.group)


def test_register_registers_what_is_missing(clinic: Clinic) -> None:
    for namespace in ("Microsoft.App", "Microsoft.Network"):
        clinic.call("POST", f"{clinic.scope}/providers/{namespace}/unregister")

    assert clinic.examine(register=True).failed == []


def test_up_looks_first_and_makes_nothing(clinic: Clinic) -> None:
    clinic.preset(restricted_regions={SERVERS: [LOCATION]})

    with pytest.raises(ChatopsError, match=r"1 of [0-9]+ checks failed: PostgreSQL offer"):
        up(clinic.config, yes=True)

    assert not clinic.azure.resources.resource_groups.check_existence(clinic.group)


def assign(clinic: Clinic, role: str, name: str) -> None:
    where = f"{clinic.scope}/providers/Microsoft.Authorization"
    definition = f"{where}/roleDefinitions/{ROLES[role]}"
    who = {"principalId": clinic.azure.operator.object_id, "principalType": "ServicePrincipal"}
    clinic.call("PUT", f"{where}/roleAssignments/{name}", {"properties": {"roleDefinitionId": definition, **who}})


def test_no_right_to_write_then_none_to_assign_roles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machines = clinic_in(tmp_path)
    clinic = open_clinic(next(machines), monkeypatch, capsys, "chat")
    assignments = f"{clinic.scope}/providers/Microsoft.Authorization/roleAssignments"
    readers, admins = "11111111-0000-0000-0000-000000000001", "11111111-0000-0000-0000-000000000002"
    assign(clinic, "Reader", readers)
    assign(clinic, "User Access Administrator", admins)
    clinic.call("DELETE", f"{assignments}/{OWNER_ASSIGNMENT}")

    result = clinic.examine()
    assert result.failed == ["write permission"]
    assert "Microsoft.App/containerApps/write" in result.rows["write permission"]["found"]
    assert "--role Contributor" in result.rows["write permission"]["do"]

    assign(clinic, "Contributor", "11111111-0000-0000-0000-000000000003")
    clinic.call("DELETE", f"{assignments}/{admins}")

    result = clinic.examine()
    assert result.failed == ["role permission"]
    assert "Microsoft.Authorization/roleAssignments/write" in result.rows["role permission"]["found"]
    assert "'Role Based Access Control Administrator'" in result.rows["role permission"]["do"]
    assert next(machines, None) is None
