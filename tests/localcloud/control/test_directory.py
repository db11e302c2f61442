"""Microsoft Graph's look-ups, and the proxy that is the only way out."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from azure.mgmt.msi import ManagedServiceIdentityClient

from ..conftest import LOCATION, Cloud


def found(cloud: Cloud, collection: str, text: str) -> list[dict[str, Any]]:
    answer = cloud.call("GET", f"/v1.0/{collection}", params={"$filter": text})
    assert answer.status_code == 200, answer.text
    value: list[dict[str, Any]] = answer.json()["value"]
    return value


def test_the_operator_is_found_by_e_mail_and_by_client_id(cloud: Cloud) -> None:
    email, client_id = cloud.endpoint["operator_email"], cloud.endpoint["client_id"]
    assert [user["id"] for user in found(cloud, "users", f"userPrincipalName eq '{email}'")] == [cloud.operator]
    by_name = found(cloud, "servicePrincipals", f"servicePrincipalNames/any(c:c eq '{client_id}')")
    assert [principal["id"] for principal in by_name] == [cloud.operator]
    assert cloud.call("GET", "/v1.0/me").json()["mail"] == email


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("userPrincipalName eq 'nobody@chatops.example'", 0),
        ("userPrincipalName eq 'nobody@chatops.example' or startswith(displayName,'Oper')", 1),
        ("displayName eq 'Operator' and mail eq 'nobody@chatops.example'", 0),
        ("somethingElse", 0),
    ],
)
def test_filters(cloud: Cloud, text: str, count: int) -> None:
    assert len(found(cloud, "users", text)) == count


def test_managed_identities_are_service_principals(cloud: Cloud, group: str) -> None:
    made = cloud.client(ManagedServiceIdentityClient).user_assigned_identities.create_or_update(
        group, "worker", {"location": LOCATION}
    )
    name = f"servicePrincipalNames/any(c:c eq '{made.client_id}')"
    assert [entry["id"] for entry in found(cloud, "servicePrincipals", name)] == [made.principal_id]
    unknown = "00000000-0000-0000-0000-000000000001"
    ids = {"ids": [made.principal_id, unknown]}
    stubs = cloud.call("POST", "/v1.0/directoryObjects/getByIds", json=ids).json()["value"]
    assert [stub["@odata.type"] for stub in stubs] == ["#microsoft.graph.servicePrincipal"]
    assert cloud.call("GET", f"/v1.0/servicePrincipals/{unknown}").status_code == 404


def test_graph_wants_a_token_and_is_in_the_journal(cloud: Cloud) -> None:
    answer = requests.get(cloud.endpoint["arm"] + "/v1.0/users", verify=cloud.endpoint["ca_file"], timeout=120)
    assert answer.status_code == 401
    asked = [(call["path"], call["status"]) for call in cloud.calls() if call["plane"] == "graph"]
    assert ("/v1.0/users", 401) in asked


def test_the_proxy_refuses_other_hosts_and_says_so_in_the_journal(cloud: Cloud) -> None:
    proxies = {"https": cloud.endpoint["proxy"]}
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        requests.get("https://dc.services.visualstudio.com/v2/track?secret=1", proxies=proxies, timeout=120)
    ca = cloud.endpoint["ca_file"]
    assert requests.get("https://none.azurecr.io/v2/", proxies=proxies, verify=ca, timeout=120).status_code == 401
    tunnels = {call["path"]: call["status"] for call in cloud.calls() if call["plane"] == "proxy"}
    assert tunnels["dc.services.visualstudio.com:443"] == 403
    assert tunnels["none.azurecr.io:443"] == 200
