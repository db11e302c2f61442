"""Azure's three clouds: endpoints that Azure's own SDK knows, credentials that say what was tried, names of hosts."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core import AzureClouds
from azure.identity import AzureAuthorityHosts
from azure.mgmt.core.tools import get_arm_endpoints
from contract.stacks import resources_of

from chatops.azure.clients import Azure
from chatops.azure.cloud import real, signed_in
from chatops.azure.sovereign import CLOUDS
from chatops.cli.target import target_of
from chatops.config.load import from_environment
from chatops.config.schema import PLACEHOLDER, Config
from chatops.errors import AuthenticationError, ConfigError

SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
SDK = {
    "public": (AzureClouds.AZURE_PUBLIC_CLOUD, AzureAuthorityHosts.AZURE_PUBLIC_CLOUD),
    "usgov": (AzureClouds.AZURE_US_GOVERNMENT, AzureAuthorityHosts.AZURE_GOVERNMENT),
    "china": (AzureClouds.AZURE_CHINA_CLOUD, AzureAuthorityHosts.AZURE_CHINA),
}


def config(**azure: Any) -> Config:
    return Config.model_validate({"target": "azure", "azure": {"subscription": SUBSCRIPTION, **azure}})


@pytest.mark.parametrize("name", CLOUDS)
def test_endpoints_are_those_of_azures_own_sdk(name: str) -> None:
    sdk, authority = SDK[name]
    cloud = target_of(config(cloud=name)).open(print)

    assert cloud.arm + "/" == get_arm_endpoints(sdk)["resource_manager"]
    assert cloud.place.authority == f"https://{authority}"
    assert cloud.scope == f"{cloud.arm}/.default"
    azure = Azure(cloud)
    assert azure.resources._config.credential_scopes == [cloud.scope]
    assert azure.secrets("v").vault_url == f"https://v{cloud.vault_suffix}"


def test_hosts_follow_the_cloud() -> None:
    suffixes = [(c.vault_suffix, c.registry_suffix, c.postgres_domain) for c in CLOUDS.values()]
    assert len({part for three in suffixes for part in three}) == 9


def test_no_credential_says_what_was_tried_and_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"):
        monkeypatch.delenv(name, raising=False)
    # neither az nor azd is found, and nobody answers for managed identities
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")

    with pytest.raises(AuthenticationError) as raised:
        signed_in(real(SUBSCRIPTION, "22222222-2222-2222-2222-222222222222", "usgov"))

    assert "EnvironmentCredential: " in raised.value.message and "AzureCliCredential: " in raised.value.message
    hint = str(raised.value.hint)
    assert hint.startswith("az cloud set --name AzureUSGovernment && az login --tenant 22222222-")
    assert "managed identity, az login" in hint


def test_the_environment_fills_in_what_the_file_leaves_open() -> None:
    environ = {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION.upper(), "AZURE_TENANT_ID": SUBSCRIPTION}

    filled = from_environment(config(subscription=PLACEHOLDER), environ)
    written = from_environment(config(tenant=PLACEHOLDER), environ)

    assert filled.azure and (filled.azure.subscription, filled.azure.tenant) == (SUBSCRIPTION, SUBSCRIPTION)
    assert written.azure and (written.azure.subscription, written.azure.tenant) == (SUBSCRIPTION, PLACEHOLDER)
    with pytest.raises(ConfigError, match="AZURE_SUBSCRIPTION_ID"):
        from_environment(config(subscription=PLACEHOLDER), {"AZURE_SUBSCRIPTION_ID": "mine"})
    assert from_environment(Config(), environ) == Config()


def test_the_database_is_named_in_the_clouds_own_domain() -> None:
    zone = next(resource for resource in resources_of(config()) if resource.address == "dns-zone")
    assert zone.name == "chat.private.postgres.database.azure.com"
