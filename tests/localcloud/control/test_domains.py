"""Custom domains in Azure's order: proof of ownership, the host name, a managed certificate, the binding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.privatedns import PrivateDnsManagementClient

from ..conftest import LOCATION, Cloud, code_of
from .conftest import Stack


@pytest.fixture
def app(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Any]:
    """An external app of the test's own, and afterwards nothing of it."""
    name = "web-" + str(abs(hash(request.node.name)))[:12]
    yield stack.put(name, stack.body())
    stack.client.container_apps.begin_delete(stack.group, name).result()


def add(stack: Stack, app: Any, *domains: dict[str, Any]) -> Any:
    ingress = {"customDomains": list(domains)}
    patch = {"location": LOCATION, "properties": {"configuration": {"ingress": ingress}}}
    made = stack.client.container_apps.begin_update(stack.group, app.name, patch).result()
    return made.properties.configuration.ingress.custom_domains


def certify(stack: Stack, host: str) -> Any:
    body = {"location": LOCATION, "properties": {"subjectName": host, "domainControlValidation": "CNAME"}}
    certificates = stack.client.managed_certificates
    return certificates.begin_create_or_update(stack.group, "env", "cert-1", body).result()


def zone(stack: Stack, cloud: Cloud, name: str, **records: dict[str, Any]) -> None:
    dns = cloud.client(PrivateDnsManagementClient)
    dns.private_zones.begin_create_or_update(stack.group, name, {"location": "global"}).result()
    for kind, body in records.items():
        label, properties = body["name"], {"ttl": 60, **body["properties"]}
        dns.record_sets.create_or_update(stack.group, name, kind, label, {"properties": properties})


def test_a_name_is_added_certified_and_bound(stack: Stack, app: Any) -> None:
    with pytest.raises(HttpResponseError) as caught:
        certify(stack, "www.elsewhere.test")
    assert code_of(caught.value) == "RequireCustomHostnameInEnvironment"
    added = add(stack, app, {"name": "WWW.elsewhere.test", "bindingType": "Disabled", "certificateId": None})
    assert [(one.name, one.binding_type) for one in added] == [("www.elsewhere.test", "Disabled")]
    certificate = certify(stack, "www.elsewhere.test")
    assert certificate.properties.provisioning_state == "Succeeded"
    binding = {"name": "www.elsewhere.test", "bindingType": "SniEnabled", "certificateId": certificate.id}
    assert [one.binding_type for one in add(stack, app, binding)] == ["SniEnabled"]
    with pytest.raises(HttpResponseError) as caught:
        stack.client.managed_certificates.delete(stack.group, "env", "cert-1")
    assert code_of(caught.value) == "CertificateInUse"
    with pytest.raises(HttpResponseError) as caught:
        add(stack, app, {**binding, "name": "other.elsewhere.test"})
    assert code_of(caught.value) == "CertificateMismatch"
    assert add(stack, app) in (None, [])
    stack.client.managed_certificates.delete(stack.group, "env", "cert-1")


def test_a_name_in_a_zone_of_ours_needs_its_records(stack: Stack, app: Any, cloud: Cloud) -> None:
    host = "www.owned.test"
    zone(stack, cloud, "owned.test")
    with pytest.raises(HttpResponseError) as caught:
        add(stack, app, {"name": host, "bindingType": "Disabled"})
    assert code_of(caught.value) == "InvalidCustomHostNameValidation"
    analysis = stack.client.container_apps.list_custom_host_name_analysis(stack.group, app.name, custom_hostname=host)
    assert analysis.custom_domain_verification_test == "Failed"
    asuid = [{"value": [app.properties.custom_domain_verification_id]}]
    zone(stack, cloud, "owned.test", TXT={"name": "asuid.www", "properties": {"txtRecords": asuid}})
    add(stack, app, {"name": host, "bindingType": "Disabled"})
    with pytest.raises(HttpResponseError, match="no CNAME or A record"):
        certify(stack, host)
    target = app.properties.configuration.ingress.fqdn
    zone(stack, cloud, "owned.test", CNAME={"name": "www", "properties": {"cnameRecord": {"cname": target}}})
    assert certify(stack, host).properties.provisioning_state == "Succeeded"
    analysis = stack.client.container_apps.list_custom_host_name_analysis(stack.group, app.name, custom_hostname=host)
    assert (analysis.custom_domain_verification_test, analysis.is_hostname_already_verified) == ("Passed", True)
    assert list(analysis.c_name_records) == [target]


def test_a_name_belongs_to_one_app(stack: Stack, app: Any) -> None:
    add(stack, app, {"name": "one.elsewhere.test", "bindingType": "Disabled"})
    other = stack.put("web-other", stack.body())
    with pytest.raises(HttpResponseError, match="already used"):
        add(stack, other, {"name": "one.elsewhere.test", "bindingType": "Disabled"})
    with pytest.raises(HttpResponseError) as caught:
        add(stack, other, {"name": "not a name", "bindingType": "Disabled"})
    assert code_of(caught.value) == "InvalidCustomHostName"
    stack.client.container_apps.begin_delete(stack.group, "web-other").result()


def test_the_verification_id_is_the_subscriptions(stack: Stack, app: Any, cloud: Cloud) -> None:
    path = f"{cloud.scope}/providers/Microsoft.App/getCustomDomainVerificationId"
    assert cloud.call("POST", path).json() == app.properties.custom_domain_verification_id
