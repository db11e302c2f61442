"""Vaults and their secrets through the real clients: challenge, roles, versions, soft delete, recovery, purge."""

from __future__ import annotations

import json
import signal
import ssl
import uuid
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

from ..conftest import LOCATION, Cloud, code_of, wait_for


def vault_body(cloud: Cloud, **properties: Any) -> dict[str, Any]:
    sku = {"family": "A", "name": "standard"}
    return {"location": LOCATION, "properties": {"tenantId": cloud.endpoint["tenant"], "sku": sku, **properties}}


@pytest.fixture
def vaults(cloud: Cloud) -> KeyVaultManagementClient:
    return cloud.client(KeyVaultManagementClient)


@pytest.fixture
def vault(cloud: Cloud, vaults: KeyVaultManagementClient, group: str) -> Any:
    name = f"kv-{uuid.uuid4().hex[:12]}"
    made = vaults.vaults.begin_create_or_update(group, name, vault_body(cloud)).result()
    yield made
    if name in [one.name for one in vaults.vaults.list_by_resource_group(group)]:
        vaults.vaults.delete(group, name)
    vaults.vaults.begin_purge_deleted(name, LOCATION).result()


def grant(cloud: Cloud, scope: str, role: str) -> Any:
    roles = cloud.client(AuthorizationManagementClient)
    found = next(iter(roles.role_definitions.list(scope, filter=f"roleName eq '{role}'")))
    body = {
        "properties": {
            "roleDefinitionId": found.id,
            "principalId": cloud.operator,
            "principalType": "ServicePrincipal",
        }
    }
    return roles.role_assignments.create(scope, str(uuid.uuid4()), body)


@pytest.fixture
def secrets(cloud: Cloud, vault: Any) -> SecretClient:
    grant(cloud, vault.id, "Key Vault Secrets Officer")
    return cloud.secrets(vault.name)


def test_an_update_that_arrives_slowly_undoes_no_other_write(cloud: Cloud, vault: Any, secrets: SecretClient) -> None:
    secrets.set_secret("word", "first")
    arm = urlsplit(cloud.endpoint["arm"])
    trust = ssl.create_default_context(cafile=cloud.endpoint["ca_file"])
    token = cloud.credential.get_token("https://vault.azure.net/.default").token
    body = json.dumps({"tags": {"late": "yes"}}).encode()
    slow = HTTPSConnection(str(arm.hostname), arm.port, context=trust)
    slow.putrequest("PATCH", "/secrets/word/?api-version=7.5", skip_host=True)
    for header in (("Host", f"{vault.name}.vault.azure.net"), ("Authorization", f"Bearer {token}")):
        slow.putheader(*header)
    slow.putheader("Content-Length", str(len(body)))
    slow.endheaders(body[:5])
    secrets.set_secret("word", "second")
    slow.send(body[5:])
    assert slow.getresponse().status == 200
    slow.close()
    assert [secrets.get_secret("word").value, secrets.get_secret("word").properties.tags] == ["second", {"late": "yes"}]


def test_a_purge_that_is_cut_off_by_a_kill_keeps_no_secret(fresh: Cloud) -> None:
    """Who takes the name next must not find them."""
    fresh.client(ResourceManagementClient).resource_groups.create_or_update("rg", {"location": LOCATION})
    vaults = fresh.client(KeyVaultManagementClient)
    made = vaults.vaults.begin_create_or_update("rg", "kv-purged", vault_body(fresh)).result()
    grant(fresh, made.id, "Key Vault Secrets Officer")
    fresh.secrets("kv-purged").set_secret("word", "old")
    vaults.vaults.delete("rg", "kv-purged")
    fresh.call("PUT", "/_local/settings", json={"held": ["Microsoft.KeyVault/deletedVaults"]})
    path = f"{fresh.scope}/providers/Microsoft.KeyVault/locations/{LOCATION}/deletedVaults/kv-purged/purge"
    assert fresh.call("POST", path).status_code == 202
    fresh.stop(signal.SIGKILL)
    fresh.start()
    fresh.call("PUT", "/_local/settings", json={})
    vaults = fresh.client(KeyVaultManagementClient)
    made = vaults.vaults.begin_create_or_update("rg", "kv-purged", vault_body(fresh)).result()
    grant(fresh, made.id, "Key Vault Secrets Officer")
    with pytest.raises(ResourceNotFoundError):
        fresh.secrets("kv-purged").get_secret("word")


def test_what_was_deleted_is_purged_when_its_retention_ends(fresh: Cloud) -> None:
    fresh.client(ResourceManagementClient).resource_groups.create_or_update("rg", {"location": LOCATION})
    vaults = fresh.client(KeyVaultManagementClient).vaults
    body = vault_body(fresh, softDeleteRetentionInDays=7)
    made = [vaults.begin_create_or_update("rg", name, body).result() for name in ("kv-kept", "kv-gone")]
    grant(fresh, made[0].id, "Key Vault Secrets Officer")
    secrets = fresh.secrets("kv-kept")
    for name in ("stays", "goes"):
        secrets.set_secret(name, "value")
    secrets.begin_delete_secret("goes").result()
    vaults.delete("rg", "kv-gone")
    fresh.call("PUT", "/_local/clock", json={"advance": 6 * 86_400})
    assert [one.name for one in vaults.list_deleted()] == ["kv-gone"]
    assert [one.name for one in secrets.list_deleted_secrets()] == ["goes"]
    fresh.call("PUT", "/_local/clock", json={"advance": 2 * 86_400})
    wait_for(lambda: not list(vaults.list_deleted()) and not list(secrets.list_deleted_secrets()))
    assert secrets.get_secret("stays").value == "value"
    vaults.begin_create_or_update("rg", "kv-gone", body).result()


def inner(error: HttpResponseError) -> Any:
    return error.error.innererror["code"] if error.error else None


def test_a_request_without_a_token_is_challenged(cloud: Cloud, vault: Any) -> None:
    url = f"https://{vault.name}.vault.azure.net/secrets?api-version=7.4"
    proxies = {"https": cloud.endpoint["proxy"]}
    answer = requests.get(url, proxies=proxies, verify=cloud.endpoint["ca_file"], timeout=120)
    assert answer.status_code == 401
    assert 'resource="https://vault.azure.net"' in answer.headers["WWW-Authenticate"]
    assert "AKV10000" in answer.json()["error"]["message"]


def test_an_owner_of_the_subscription_still_needs_a_role_for_secrets(cloud: Cloud, vault: Any) -> None:
    with pytest.raises(HttpResponseError) as caught:
        cloud.secrets(vault.name).get_secret("any")
    assert (caught.value.status_code, inner(caught.value)) == (403, "ForbiddenByRbac")
    grant(cloud, vault.id, "Key Vault Secrets User")
    with pytest.raises(ResourceNotFoundError) as missing:
        cloud.secrets(vault.name).get_secret("any")
    assert code_of(missing.value) == "SecretNotFound"
    with pytest.raises(HttpResponseError) as caught:
        cloud.secrets(vault.name).set_secret("any", "value")
    assert inner(caught.value) == "ForbiddenByRbac"


def test_versions_and_attributes(secrets: SecretClient) -> None:
    first = secrets.set_secret("one", "old", tags={"a": "b"}, content_type="text/plain")
    second = secrets.set_secret("one", "new")
    assert secrets.get_secret("one").value == "new"
    assert secrets.get_secret("one", first.properties.version).value == "old"
    versions = {one.version for one in secrets.list_properties_of_secret_versions("one")}
    assert versions == {first.properties.version, second.properties.version}
    secrets.update_secret_properties("one", second.properties.version, enabled=False)
    with pytest.raises(HttpResponseError) as caught:
        secrets.get_secret("one")
    assert inner(caught.value) == "SecretDisabled"


def test_lists_come_in_pages_without_values(secrets: SecretClient) -> None:
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        secrets.set_secret(name, "x")
    pages = [[one.name for one in page] for page in secrets.list_properties_of_secrets(max_page_size=2).by_page()]
    assert pages == [["a", "b"], ["c", "d"], ["e"]]


def test_a_deleted_secret_can_be_recovered_or_purged(secrets: SecretClient) -> None:
    secrets.set_secret("gone", "value")
    deleted = secrets.begin_delete_secret("gone").result()
    assert deleted.scheduled_purge_date is not None
    with pytest.raises(ResourceNotFoundError):
        secrets.get_secret("gone")
    with pytest.raises(ResourceExistsError) as caught:
        secrets.set_secret("gone", "again")
    assert inner(caught.value) == "ObjectIsDeletedButRecoverable"
    secrets.begin_recover_deleted_secret("gone").wait()
    assert secrets.get_secret("gone").value == "value"
    secrets.begin_delete_secret("gone").wait()
    secrets.purge_deleted_secret("gone")
    assert list(secrets.list_deleted_secrets()) == []
    secrets.set_secret("gone", "again")


def test_the_management_plane_shows_secrets_without_values(
    vaults: KeyVaultManagementClient, secrets: SecretClient, vault: Any, group: str
) -> None:
    made = secrets.set_secret("shown", "hidden-value")
    found = vaults.secrets.get(group, vault.name, "shown").as_dict()
    assert found["properties"]["secretUriWithVersion"] == made.id
    assert found["properties"]["attributes"]["enabled"] is True
    assert "hidden-value" not in str(found)
    assert [one.name for one in vaults.secrets.list(group, vault.name)] == ["shown"]
    with pytest.raises(ResourceNotFoundError):
        vaults.secrets.get(group, vault.name, "absent")


def test_a_deleted_vault_keeps_its_name_and_its_secrets(
    cloud: Cloud, vaults: KeyVaultManagementClient, secrets: SecretClient, vault: Any, group: str
) -> None:
    secrets.set_secret("kept", "value")
    vaults.vaults.delete(group, vault.name)
    with pytest.raises(ResourceNotFoundError):
        vaults.vaults.get(group, vault.name)
    assert vaults.vaults.get_deleted(vault.name, LOCATION).properties.vault_id == vault.id
    with pytest.raises(ResourceExistsError) as caught:
        vaults.vaults.begin_create_or_update(group, vault.name, vault_body(cloud))
    assert code_of(caught.value) == "ConflictError"
    recovered = vault_body(cloud, createMode="recover")
    vaults.vaults.begin_create_or_update(group, vault.name, recovered).result()
    grant(cloud, vault.id, "Key Vault Secrets User")
    assert cloud.secrets(vault.name).get_secret("kept").value == "value"


def test_purge_protection_is_kept(cloud: Cloud, vaults: KeyVaultManagementClient, group: str) -> None:
    body = vault_body(cloud, enablePurgeProtection=True)
    vaults.vaults.begin_create_or_update(group, "kv-forever", body).result()
    vaults.vaults.delete(group, "kv-forever")
    with pytest.raises(HttpResponseError) as caught:
        vaults.vaults.begin_purge_deleted("kv-forever", LOCATION)
    assert code_of(caught.value) == "MethodNotAllowed"


def test_names_are_global(cloud: Cloud, vaults: KeyVaultManagementClient, vault: Any) -> None:
    groups = cloud.client(ResourceManagementClient).resource_groups
    groups.create_or_update("rg-elsewhere", {"location": LOCATION})
    with pytest.raises(ResourceExistsError) as caught:
        vaults.vaults.begin_create_or_update("rg-elsewhere", vault.name, vault_body(cloud))
    assert code_of(caught.value) == "VaultAlreadyExists"
    groups.begin_delete("rg-elsewhere").result()


@pytest.mark.parametrize("name", ["1kv", "kv", "kv--x", "kv-", "a" * 25])
def test_wrong_names(cloud: Cloud, vaults: KeyVaultManagementClient, group: str, name: str) -> None:
    path = f"{cloud.scope}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"
    answer = cloud.call("PUT", path, json=vault_body(cloud))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VaultNameNotValid")


def test_access_policies_rule_a_vault_without_rbac(
    cloud: Cloud, vaults: KeyVaultManagementClient, vault: Any, group: str
) -> None:
    policy = {"tenantId": cloud.endpoint["tenant"], "objectId": cloud.operator, "permissions": {"secrets": ["set"]}}
    body = vault_body(cloud, enableRbacAuthorization=False, accessPolicies=[policy])
    vaults.vaults.begin_create_or_update(group, vault.name, body).result()
    secrets = cloud.secrets(vault.name)
    secrets.set_secret("mine", "value")
    with pytest.raises(HttpResponseError) as caught:
        secrets.get_secret("mine")
    assert inner(caught.value) == "AccessDenied"
