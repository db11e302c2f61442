"""Custom domains in Azure's order: proof of ownership, the host name, a managed certificate, the binding."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import HttpResponseError

from ..conftest import LOCATION, Cloud, code_of, wait_for
from .conftest import Stack, make_stack
from .registrar import Registrar


@dataclass
class Site:
    """An external app of the test's own with a zone of its own in Azure DNS, whose records are still missing."""

    stack: Stack
    app: Any
    registrar: Registrar
    zone: str

    @property
    def host(self) -> str:
        return f"www.{self.zone}"

    @property
    def fqdn(self) -> str:
        return str(self.app.properties.configuration.ingress.fqdn)

    def prove(self, name: str = "asuid.www") -> None:
        self.registrar.txt(self.zone, name, self.app.properties.custom_domain_verification_id)

    def point(self) -> None:
        self.registrar.cname(self.zone, "www", self.fqdn)

    def set(self, *domains: dict[str, Any], app: Any = None, **ingress: Any) -> Any:
        configuration = {"ingress": {"customDomains": list(domains), **ingress}}
        patch = {"location": LOCATION, "properties": {"configuration": configuration}}
        apps = self.stack.client.container_apps
        made = apps.begin_update(self.stack.group, (app or self.app).name, patch).result()
        return made.properties.configuration.ingress.custom_domains

    def add(self, host: str = "") -> Any:
        return self.set({"name": host or self.host, "bindingType": "Disabled"})

    def begin(self, method: str = "CNAME", host: str = "") -> Any:
        body = {
            "location": LOCATION,
            "properties": {"subjectName": host or self.host, "domainControlValidation": method},
        }
        certificates = self.stack.client.managed_certificates
        return certificates.begin_create_or_update(self.stack.group, "env", self.name, body, polling_interval=0.1)

    @property
    def name(self) -> str:
        return f"mc-{self.app.name}"

    def certificate(self) -> Any:
        return self.stack.client.managed_certificates.get(self.stack.group, "env", self.name)

    def state(self) -> str:
        return str(self.certificate().properties.provisioning_state.value)

    def analyse(self, host: str = "") -> Any:
        apps = self.stack.client.container_apps
        return apps.list_custom_host_name_analysis(self.stack.group, self.app.name, custom_hostname=host or self.host)

    def advance(self, seconds: float) -> None:
        assert self.stack.cloud.call("PUT", "/_local/clock", json={"advance": seconds}).status_code == 200


@pytest.fixture
def site(stack: Stack) -> Iterator[Site]:
    name = f"web-{uuid.uuid4().hex[:8]}"
    registrar = Registrar(stack.cloud, stack.group)
    registrar.zone(f"{name}.example")
    made = Site(stack, stack.put(name, stack.body()), registrar, f"{name}.example")
    yield made
    stack.client.container_apps.begin_delete(stack.group, name).result()
    stack.client.managed_certificates.delete(stack.group, "env", made.name)


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(HttpResponseError) as caught:
        call()
    assert caught.value.status_code == 400
    return code_of(caught.value), str(caught.value)


def test_a_name_is_proven_added_certified_and_bound(site: Site) -> None:
    site.prove()
    assert refused(site.begin)[0] == "RequireCustomHostnameInEnvironment"
    site.point()
    added = site.set({"name": site.host.upper(), "bindingType": "Disabled", "certificateId": None})
    assert [(one.name, one.binding_type) for one in added] == [(site.host, "Disabled")]
    certificate = site.begin().result()
    assert certificate.properties.provisioning_state == "Succeeded"
    body = {"location": LOCATION, "properties": {"subjectName": site.host, "domainControlValidation": "CNAME"}}
    again = site.stack.cloud.call("PUT", certificate.id, "2025-07-01", json=body)
    assert (again.status_code, again.json()["properties"]["provisioningState"]) == (200, "Succeeded")
    binding = {"name": site.host, "bindingType": "SniEnabled", "certificateId": certificate.id}
    assert [one.binding_type for one in site.set(binding)] == ["SniEnabled"]
    client = site.stack.client.managed_certificates
    assert refused(lambda: client.delete(site.stack.group, "env", site.name))[0] == "CertificateInUse"
    site.prove("asuid.other")
    other = {**binding, "name": f"other.{site.zone}"}
    assert refused(lambda: site.set(other))[0] == "CertificateMismatch"
    missing = {**binding, "certificateId": certificate.id + "x"}
    assert refused(lambda: site.set(missing))[0] == "CertificateNotFound"
    assert refused(lambda: site.set({**binding, "bindingType": "Ip"}))[0] == "InvalidRequest"
    assert site.set() in (None, [])
    client.delete(site.stack.group, "env", site.name)


def test_ownership_is_asked_of_dns(site: Site) -> None:
    wanted = site.app.properties.custom_domain_verification_id
    text = f"A TXT record pointing from asuid.{site.host} to {wanted} was not found."
    for records in (
        lambda: None,
        lambda: site.registrar.txt(site.zone, "asuid.www", "wrong"),
        lambda: site.prove(f"asuid.www.{site.zone}"),
        site.point,
    ):
        records()
        code, message = refused(site.add)
        assert (code, text in message) == ("InvalidCustomHostNameValidation", True)
    assert refused(lambda: site.add("www.nobody.example"))[0] == "InvalidCustomHostNameValidation"
    site.prove()
    site.add()
    site.registrar.txt(site.zone, "asuid.www", "gone again")
    assert len(site.set({"name": site.host, "bindingType": "Disabled"})) == 1


def test_a_body_of_the_wrong_shape_is_the_callers_fault(site: Site, cloud: Cloud) -> None:
    for configuration in (None, "text", {"ingress": "text"}, {"ingress": {"customDomains": "text"}}):
        body = {"location": LOCATION, "properties": {"configuration": configuration}}
        assert cloud.call("PUT", site.app.id, "2025-07-01", json=body).status_code == 400


def test_ownership_at_a_registrar_elsewhere(site: Site, tmp_path: Path) -> None:
    file, head = tmp_path / "zone", "@ 60 IN SOA ns.else.example. me.else.example. 1 60 60 60 60\n"
    file.write_text(head)
    site.registrar.delegate(**{"else.example": str(file)})
    assert refused(lambda: site.add("chat.else.example"))[0] == "InvalidCustomHostNameValidation"
    proof = site.app.properties.custom_domain_verification_id
    file.write_text(f"{head}asuid.chat 60 IN TXT {proof}\nchat 60 IN CNAME {site.fqdn}.\n")
    site.add("chat.else.example")
    assert site.begin(host="chat.else.example").result().properties.provisioning_state == "Succeeded"
    site.registrar.delegate()


def test_the_analysis_tells_what_dns_says(site: Site) -> None:
    nothing = site.analyse()
    assert nothing.host_name == site.host
    assert (nothing.custom_domain_verification_test, nothing.is_hostname_already_verified) == ("Failed", False)
    assert f"asuid.{site.host}" in nothing.custom_domain_verification_failure_info.message
    assert not any((nothing.c_name_records, nothing.a_records, nothing.txt_records, nothing.alternate_txt_records))
    site.prove()
    site.point()
    site.registrar.cname(site.zone, "asuid.other", site.host)
    site.add()
    told = site.analyse()
    assert (told.custom_domain_verification_test, told.is_hostname_already_verified) == ("Passed", True)
    assert told.custom_domain_verification_failure_info is None
    assert (told.c_name_records, told.a_records) == ([site.fqdn], ["127.0.0.1"])
    assert told.alternate_txt_records == [site.app.properties.custom_domain_verification_id]
    assert site.analyse(f"other.{site.zone}").alternate_c_name_records == [site.host]
    assert (told.has_conflict_on_managed_environment, told.conflict_with_environment_custom_domain) == (False, False)
    assert refused(lambda: site.analyse("no name"))[0] == "InvalidCustomHostName"


def test_a_name_belongs_to_one_app(site: Site) -> None:
    site.prove()
    site.add()
    other = site.stack.put("web-other", site.stack.body())
    code, message = refused(lambda: site.set({"name": site.host}, app=other))
    assert (code, site.app.id in message) == ("InvalidCustomHostNameValidation", True)
    apps = site.stack.client.container_apps
    told = apps.list_custom_host_name_analysis(site.stack.group, "web-other", custom_hostname=site.host)
    assert (told.has_conflict_on_managed_environment, told.conflicting_container_app_resource_id) == (True, site.app.id)
    for name in ("not a name", f"*.{site.zone}", "example", f"{'a' * 64}.{site.zone}"):
        assert refused(lambda name=name: site.set({"name": name}, app=other))[0] == "InvalidCustomHostName"
    apps.begin_delete(site.stack.group, "web-other").result()


def test_a_certificate_stays_pending_until_dns_is_right(site: Site) -> None:
    site.prove()
    site.add()
    poller = site.begin()
    assert (site.state(), poller.done()) == ("Pending", False)
    pending = {"name": site.host, "bindingType": "SniEnabled", "certificateId": site.certificate().id}
    assert refused(lambda: site.set(pending))[0] == "CertificateNotReady"
    site.point()
    site.advance(60)
    assert poller.result().properties.provisioning_state == "Succeeded"


def test_a_certificate_fails_when_the_proof_does_not_come(site: Site) -> None:
    site.prove()
    site.registrar.cname(site.zone, "www", "old.example")
    site.add()
    poller = site.begin()
    site.advance(21 * 60)
    with pytest.raises(HttpResponseError, match=r"points to .old[.]example."):
        poller.result()
    failed = site.certificate().properties
    assert (failed.provisioning_state, site.fqdn in failed.error) == ("Failed", True)
    site.point()
    again = site.begin().result().properties
    assert (again.provisioning_state, again.error) == ("Succeeded", None)


def test_a_caa_record_must_allow_the_issuer(site: Site) -> None:
    site.prove()
    site.point()
    site.add()
    rows = [{"flags": 0, "tag": "issue", "value": "letsencrypt.org"}]
    site.registrar.put(site.zone, "@", "CAA", caa_records=rows)
    with pytest.raises(HttpResponseError, match=r"allow letsencrypt.org alone: 0 issue .digicert.com. is needed"):
        site.begin().result()
    assert site.state() == "Failed"
    rows.append({"flags": 0, "tag": "issue", "value": "digicert.com; account=1"})
    site.registrar.put(site.zone, "@", "CAA", caa_records=rows)
    assert site.begin().result().properties.provisioning_state == "Succeeded"


def test_the_apex_is_validated_by_address_and_http(site: Site) -> None:
    site.prove("asuid")
    site.add(site.zone)
    site.registrar.put(site.zone, "@", "A", a_records=[{"ipv4_address": "192.0.2.1"}])
    poller = site.begin("HTTP", site.zone)
    assert site.state() == "Pending"
    environment = site.stack.client.managed_environments.get(site.stack.group, "env")
    site.registrar.put(site.zone, "@", "A", a_records=[{"ipv4_address": environment.properties.static_ip}])
    site.advance(60)
    assert poller.result().properties.provisioning_state == "Succeeded"


def test_an_app_that_nobody_can_reach_gets_none(site: Site) -> None:
    site.prove()
    site.point()
    site.set({"name": site.host}, external=False)
    site.begin()
    site.advance(21 * 60)
    wait_for(lambda: site.state() == "Failed")
    assert "no external ingress" in site.certificate().properties.error


def test_a_token_in_a_txt_record_is_proof_as_well(site: Site) -> None:
    site.prove()
    site.add()
    poller = site.begin("TXT")
    token = site.certificate().properties.validation_token
    assert token
    site.registrar.txt(site.zone, "_dnsauth.www", token)
    site.advance(60)
    made = poller.result().properties
    assert (made.provisioning_state, made.validation_token) == ("Succeeded", token)


def test_what_a_managed_certificate_is_not_for(site: Site) -> None:
    for host, method in ((f"*.{site.zone}", "CNAME"), (site.host, "DNS"), ("a" * 60 + "." + site.zone, "CNAME")):
        assert refused(lambda host=host, method=method: site.begin(method, host))[0] == "InvalidRequest"


def test_a_pending_certificate_holds_nothing_up(site: Site) -> None:
    site.prove()
    site.add()
    poller = site.begin()
    environments = site.stack.client.managed_environments
    environments.begin_update(site.stack.group, "env", {"location": LOCATION, "tags": {"a": "b"}}).result()
    site.stack.client.managed_certificates.delete(site.stack.group, "env", site.name)
    assert [one.name for one in site.stack.client.managed_certificates.list(site.stack.group, "env")] == []
    site.advance(60)
    with pytest.raises(HttpResponseError):
        poller.result()
    site.point()
    assert site.begin().result().properties.provisioning_state == "Succeeded"


def test_the_verification_id_is_the_subscriptions(site: Site, cloud: Cloud) -> None:
    path = f"{cloud.scope}/providers/Microsoft.App/getCustomDomainVerificationId"
    assert cloud.call("POST", path).json() == site.app.properties.custom_domain_verification_id


def test_a_restart_takes_pending_certificates_up_again(fresh: Cloud) -> None:
    stack = make_stack(fresh)
    registrar = Registrar(fresh, stack.group)
    registrar.zone("kept.example")
    site = Site(stack, stack.put("kept", stack.body()), registrar, "kept.example")
    site.prove()
    site.add()
    site.begin()
    fresh.stop()
    fresh.start()
    restarted = Site(Stack(fresh, stack.group, *(None,) * 3), site.app, Registrar(fresh, stack.group), site.zone)
    assert restarted.state() == "Pending"
    restarted.point()
    restarted.advance(60)
    wait_for(lambda: restarted.state() == "Succeeded")
    binding = {"name": site.host, "bindingType": "SniEnabled", "certificateId": restarted.certificate().id}
    restarted.set(binding)
    answer = requests.get(fresh.endpoint["ingress"], headers={"Host": site.host}, timeout=120, allow_redirects=False)
    assert answer.status_code == 301
