"""Who may come in, and what the generic handler says to requests that are wrong: through plain HTTP and the SDKs."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.resource.resources import ResourceManagementClient

from ..conftest import LOCATION, Cloud

NETWORK = "providers/Microsoft.Network/virtualNetworks"


def test_no_token_is_challenged(cloud: Cloud) -> None:
    url = f"{cloud.endpoint['arm']}{cloud.scope}/resourceGroups?api-version=2024-01-01"
    answer = requests.get(url, verify=cloud.endpoint["ca_file"], timeout=120)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
    assert answer.json()["error"]["code"] == "AuthenticationFailed"


def test_a_token_for_another_audience_is_refused(cloud: Cloud) -> None:
    token = cloud.credential.get_token("https://vault.azure.net/.default").token
    answer = cloud.call("GET", f"{cloud.scope}/resourceGroups", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


def test_a_wrong_secret_gets_no_token(cloud: Cloud) -> None:
    wrong = ClientSecretCredential(
        "adfs",
        cloud.endpoint["client_id"],
        "wrong",
        authority=cloud.endpoint["arm"],
        disable_instance_discovery=True,
        connection_verify=cloud.endpoint["ca_file"],
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        wrong.get_token("https://management.azure.com/.default")


def test_the_authority_of_aad_signs_in_too(cloud: Cloud) -> None:
    secret = Path(cloud.endpoint["client_secret_file"]).read_text()
    credential = ClientSecretCredential(
        cloud.endpoint["tenant"],
        cloud.endpoint["client_id"],
        secret,
        authority=cloud.endpoint["arm"],
        disable_instance_discovery=True,
        connection_verify=cloud.endpoint["ca_file"],
    )
    assert credential.get_token("https://management.azure.com/.default").token


@pytest.mark.parametrize(
    ("method", "path", "version", "body", "status", "code"),
    [
        ("GET", "/resourceGroups", "", None, 400, "MissingApiVersionParameter"),
        ("GET", "/resourceGroups", "latest", None, 400, "InvalidApiVersionParameter"),
        ("GET", "/resourceGroups/nowhere", "2024-01-01", None, 404, "ResourceGroupNotFound"),
        ("DELETE", "/resourceGroups/nowhere", "2024-01-01", None, 404, "ResourceGroupNotFound"),
        ("GET", f"/resourceGroups/nowhere/{NETWORK}", "2024-01-01", None, 404, "ResourceGroupNotFound"),
        ("PUT", f"/resourceGroups/nowhere/{NETWORK}/v", "2024-01-01", "{}", 404, "ResourceGroupNotFound"),
        ("GET", "/providers/Microsoft.Nothing/things", "2024-01-01", None, 404, "InvalidResourceNamespace"),
        ("GET", "/providers/Microsoft.Network/things", "2024-01-01", None, 404, "InvalidResourceType"),
        ("PUT", "/resourceGroups/x", "2024-01-01", "{", 400, "InvalidRequestContent"),
        ("PUT", "/resourceGroups/x", "2024-01-01", "[]", 400, "InvalidRequestContent"),
        ("PUT", "/resourceGroups/x", "2024-01-01", "{}", 400, "LocationRequired"),
        ("PUT", "/resourceGroups/x", "2024-01-01", '{"location":"moon"}', 400, "LocationNotAvailableForResourceType"),
        ("PUT", "/resourceGroups/x.", "2024-01-01", '{"location":"eastus"}', 400, "InvalidResourceGroup"),
        ("PATCH", "/resourceGroups/nowhere", "2024-01-01", "{}", 404, "ResourceGroupNotFound"),
        ("GET", "/resources?$filter=size eq 'big'", "2024-01-01", None, 400, "InvalidFilterInQueryString"),
    ],
)
def test_wrong_requests(
    cloud: Cloud, method: str, path: str, version: str, body: str | None, status: int, code: str
) -> None:
    answer = cloud.call(method, cloud.scope + path, version, data=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_another_subscription_is_not_here(cloud: Cloud) -> None:
    answer = cloud.call("GET", "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SubscriptionNotFound")


def test_every_answer_carries_azures_request_ids(cloud: Cloud) -> None:
    answer = cloud.call("GET", "/subscriptions", headers={"x-ms-correlation-request-id": "mine"})
    assert answer.headers["x-ms-request-id"]
    assert answer.headers["x-ms-correlation-request-id"] == "mine"


def test_sdks_map_what_is_absent(cloud: Cloud, group: str) -> None:
    resources = cloud.client(ResourceManagementClient).resources
    id = f"{cloud.scope}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/nothing"
    with pytest.raises(ResourceNotFoundError) as caught:
        resources.get_by_id(id, api_version="2024-01-01")
    assert caught.value.error is not None
    assert caught.value.error.code == "ResourceNotFound"
    assert f"under resource group '{group}' was not found" in str(caught.value)


def test_metadata_says_where_everything_is(cloud: Cloud) -> None:
    url = f"{cloud.endpoint['arm']}/metadata/endpoints?api-version=2022-09-01"
    found = requests.get(url, verify=cloud.endpoint["ca_file"], timeout=120).json()
    assert found["resourceManager"] == cloud.endpoint["arm"]
    assert found["authentication"]["loginEndpoint"] == cloud.endpoint["active_directory"]
    assert found["suffixes"]["keyVaultDns"] == "vault.azure.net"


def test_providers_register(cloud: Cloud, group: str) -> None:
    providers = cloud.client(ResourceManagementClient).providers
    providers.unregister("Microsoft.ManagedIdentity")
    identity = f"/resourceGroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
    refused = cloud.call("PUT", cloud.scope + identity, json={"location": LOCATION})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "MissingSubscriptionRegistration")
    assert providers.register("microsoft.managedidentity").registration_state == "Registered"
    assert cloud.call("PUT", cloud.scope + identity, json={"location": LOCATION}).status_code == 201


def test_the_proxy_leads_nowhere_else(cloud: Cloud) -> None:
    proxies = {"https": cloud.endpoint["proxy"]}
    for url in ("https://example.com/", "https://kv.vault.azure.net:8443/", "https://management.azure.com.evil.net/"):
        with pytest.raises(requests.exceptions.ProxyError, match="403"):
            requests.get(url, proxies=proxies, verify=cloud.endpoint["ca_file"], timeout=120)


@pytest.mark.parametrize(
    "type",
    [
        "Microsoft.Network/virtualNetworks",
        "Microsoft.KeyVault/vaults",
        "Microsoft.DBforPostgreSQL/flexibleServers",
        "Microsoft.ContainerRegistry/registries",
        "Microsoft.OperationalInsights/workspaces",
        "Microsoft.App/managedEnvironments",
        "Microsoft.App/containerApps",
    ],
)
@pytest.mark.parametrize(
    "properties",
    ["text", [], {"sku": 1, "addressSpace": 1, "template": 1, "vnetConfiguration": 1, "storage": 1}],
)
def test_a_body_of_the_wrong_shape_is_a_bad_request(cloud: Cloud, group: str, type: str, properties: object) -> None:
    path = f"{cloud.scope}/resourceGroups/{group}/providers/{type}/wrongshape"
    answer = cloud.call("PUT", path, json={"location": LOCATION, "sku": "x", "properties": properties})
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["code"]
    assert cloud.call("GET", path).status_code == 404


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("path", ["/subscriptions/s/resourceGroups/g", "/adfs/oauth2/token", "/_local/trouble"])
def test_a_body_that_is_too_long_is_not_kept(cloud: Cloud, path: str, declared: bool) -> None:
    whole, ca = bytes(5 * 2**20), cloud.endpoint["ca_file"]
    method = "POST" if path.startswith("/adfs") else "PATCH"
    token = {"Authorization": f"Bearer {cloud.token}"}
    query = {"api-version": "2025-04-01"}
    path = path.replace("/s/", f"/{cloud.endpoint['subscription']}/")
    url = cloud.endpoint["arm"] + path
    data = whole if declared else iter([whole[: 2**20]] * 5)
    answer = requests.request(method, url, params=query, data=data, headers=token, verify=ca, timeout=120)
    assert answer.status_code == 413
    if declared:
        assert answer.json()["error"]["code"] == "RequestContentTooLarge"


def test_what_is_no_text_signs_nobody_in(cloud: Cloud) -> None:
    url, ca = f"{cloud.endpoint['arm']}/adfs/oauth2/token", cloud.endpoint["ca_file"]
    assert requests.post(url, data=b"client_id=\xff\xfe", verify=ca, timeout=120).status_code == 400
