"""Certificates as clients see them: the ingress over TLS, by host name, and what operators bring themselves."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import subprocess
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.mgmt.appcontainers import ContainerAppsAPIClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from ..conftest import LOCATION, Cloud, code_of, wait_for
from .conftest import Stack, make_stack
from .registrar import Registrar
from .test_domains import Site

DAY = 24 * 3600
SECRETS_USER = "Key Vault Secrets User"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """In a world of its own, whose clock goes far ahead here."""
    running = Cloud(tmp_path_factory.mktemp("certificates"))
    running.start()
    yield make_stack(running)
    assert running.stop() == 0


@pytest.fixture(scope="module")
def bound(stack: Stack) -> Site:
    """An app whose domain is bound to a managed certificate."""
    name = f"tls-{uuid.uuid4().hex[:8]}"
    return bind(stack, name)


def bind(stack: Stack, name: str) -> Site:
    registrar = Registrar(stack.cloud, stack.group)
    registrar.zone(f"{name}.example")
    site = Site(stack, stack.put(name, stack.body(GREETING="over TLS")), registrar, f"{name}.example")
    site.prove()
    site.point()
    site.add()
    certificate = site.begin().result()
    site.set({"name": site.host, "bindingType": "SniEnabled", "certificateId": certificate.id})
    return site


def port(cloud: Cloud) -> int:
    return urlsplit(cloud.endpoint["ingress_tls"]).port or 0


@contextlib.contextmanager
def connect(cloud: Cloud, host: str, **versions: ssl.TLSVersion) -> Iterator[ssl.SSLSocket]:
    """A verified connection to the TLS port that asks for `host`."""
    context = ssl.create_default_context(cafile=cloud.endpoint["ca_file"])
    for name, version in versions.items():
        setattr(context, name, version)
    plain = socket.create_connection(("127.0.0.1", port(cloud)), 120)
    with plain, context.wrap_socket(plain, server_hostname=host) as tls:
        yield tls


def get(connection: ssl.SSLSocket, host: str) -> str:
    connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive\r\n\r\n".encode())
    whole = b""
    while not whole.endswith(b"}"):
        whole += connection.recv(4096)
    return whole.decode()


def names(connection: ssl.SSLSocket) -> list[str]:
    found: Any = connection.getpeercert() or {}
    return [value for kind, value in found["subjectAltName"] if kind == "DNS"]


def serial(connection: ssl.SSLSocket) -> str:
    found: Any = connection.getpeercert() or {}
    return str(found["serialNumber"])


def s_client(cloud: Cloud, host: str, *options: str) -> str:
    """What OpenSSL's own client prints about a handshake."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port(cloud)}", "-servername", host, *options]
    command += ["-CAfile", cloud.endpoint["ca_file"], "-verify_hostname", host]
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    return ran.stdout + ran.stderr


def test_a_custom_domain_is_served_with_its_certificate(bound: Site) -> None:
    cloud = bound.stack.cloud
    with connect(cloud, bound.host) as connection:
        assert names(connection) == [bound.host]
        assert connection.version() == "TLSv1.3"
        assert "over TLS" in get(connection, bound.host)
    environment = bound.fqdn.partition(".")[2]
    with connect(cloud, bound.fqdn) as connection:
        assert set(names(connection)) == {environment, f"*.{environment}", f"*.internal.{environment}"}
        assert "over TLS" in get(connection, bound.fqdn)


def test_openssl_accepts_the_chain_and_the_name(bound: Site) -> None:
    said = s_client(bound.stack.cloud, bound.host, "-showcerts")
    assert "Verify return code: 0 (ok)" in said
    assert f"subject=CN = {bound.host}" in said
    assert "issuer=CN = chatops local cloud" in said
    assert "Verified peername: " + bound.host in said
    assert "Certificate chain\n 0 s:CN = " + bound.host in said
    assert "\n 1 s:" not in said


@pytest.mark.parametrize("version", ["tls1", "tls1_1"])
def test_old_versions_of_tls_are_refused(bound: Site, version: str) -> None:
    said = s_client(bound.stack.cloud, bound.host, f"-{version}", "-cipher", "DEFAULT@SECLEVEL=0")
    assert "no peer certificate available" in said
    assert "SSL handshake has read 0 bytes and written 0 bytes" not in said


def test_tls_1_2_is_spoken(bound: Site) -> None:
    with connect(bound.stack.cloud, bound.host, maximum_version=ssl.TLSVersion.TLSv1_2) as connection:
        assert connection.version() == "TLSv1.2"


def test_a_name_without_a_certificate_gets_no_handshake(bound: Site) -> None:
    for host in ("www.nobody.example", f"not.{bound.host}"):
        with pytest.raises((ssl.SSLError, ConnectionError)), connect(bound.stack.cloud, host):
            pass


def test_plain_http_is_redirected_for_custom_domains_alone(bound: Site) -> None:
    plain = bound.stack.cloud.endpoint["ingress"]
    moved = requests.get(f"{plain}/a?b=c", headers={"Host": bound.host}, timeout=120, allow_redirects=False)
    place = f"https://{bound.host}:{port(bound.stack.cloud)}/a?b=c"
    assert (moved.status_code, moved.headers["location"]) == (301, place)
    for host in (bound.fqdn, f"{bound.app.name}.localhost"):
        assert requests.get(plain, headers={"Host": host}, timeout=120, allow_redirects=False).status_code == 200
    binding = {"name": bound.host, "bindingType": "SniEnabled", "certificateId": bound.certificate().id}
    for insecure, status in ((True, 200), (False, 301)):
        bound.set(binding, allowInsecure=insecure)
        answer = requests.get(plain, headers={"Host": bound.host}, timeout=120, allow_redirects=False)
        assert answer.status_code == status


def test_a_binding_takes_effect_at_once_and_cuts_no_connection(bound: Site) -> None:
    cloud = bound.stack.cloud
    with connect(cloud, bound.host) as before:
        assert "over TLS" in get(before, bound.host)
        bound.set({"name": bound.host, "bindingType": "Disabled"})
        with pytest.raises((ssl.SSLError, ConnectionError)), connect(cloud, bound.host):
            pass
        assert "over TLS" in get(before, bound.host)
        bound.set({"name": bound.host, "bindingType": "Auto"})
        with connect(cloud, bound.host) as after:
            assert serial(after) == serial(before)
        assert "over TLS" in get(before, bound.host)
    bound.set({"name": bound.host, "bindingType": "SniEnabled", "certificateId": bound.certificate().id})


def test_certificates_are_renewed_in_time_and_outlive_a_restart(stack: Stack) -> None:
    cloud, site = stack.cloud, bind(stack, "renewed")
    first, default = _serial(cloud, site.host), _serial(cloud, site.fqdn)
    site.advance(130 * DAY)
    assert _serial(cloud, site.host) == first
    site.registrar.put(site.zone, "@", "CAA", caa_records=[{"flags": 0, "tag": "issue", "value": "other.example"}])
    wait_for(lambda: _later(site, DAY) and _serial(cloud, site.fqdn) != default)
    assert _serial(cloud, site.host) == first
    site.registrar.client.record_sets.delete(site.registrar.group, site.zone, "@", "CAA")
    wait_for(lambda: _later(site, DAY) and _serial(cloud, site.host) != first)
    renewed = _serial(cloud, site.host)
    cloud.stop()
    cloud.start()
    assert _serial(cloud, site.host) == renewed


def _later(site: Site, seconds: float) -> bool:
    site.advance(seconds)
    return True


def _serial(cloud: Cloud, host: str) -> str:
    with connect(cloud, host) as connection:
        return serial(connection)


def made(*hosts: str, days: int = 900) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """A self-signed certificate, as an operator's own authority might issue it."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
    alternative = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    return key, built.not_valid_after(now + timedelta(days=days)).add_extension(alternative, False).sign(
        key, hashes.SHA256()
    )


def pfx(key: rsa.RSAPrivateKey, certificate: x509.Certificate, password: str = "") -> bytes:
    how = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"own", key, certificate, None, how)


def pem(key: rsa.RSAPrivateKey, certificate: x509.Certificate, password: str = "") -> bytes:
    how = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def upload(stack: Stack, name: str, value: bytes | None = None, password: str | None = None, **more: Any) -> Any:
    properties = {"password": password, **more}
    if value is not None:
        properties["value"] = base64.b64encode(value).decode()
    envelope = {"location": LOCATION, "properties": properties}
    return stack.client.certificates.create_or_update(stack.group, "env", name, envelope)


@pytest.mark.parametrize("form", [pfx, pem])
@pytest.mark.parametrize("password", ["", "Made-4-this"])
def test_an_own_certificate_is_uploaded(stack: Stack, form: Any, password: str) -> None:
    key, certificate = made("*.own.example", "own.example")
    shown = upload(stack, "own", form(key, certificate, password), password or None).properties
    assert shown.thumbprint == certificate.fingerprint(hashes.SHA1()).hex().upper()
    assert shown.subject_alternative_names == ["*.own.example", "own.example"]
    assert (shown.subject_name, shown.issuer, shown.valid) == ("CN=*.own.example", "CN=*.own.example", True)
    assert shown.expiration_date == certificate.not_valid_after_utc.replace(microsecond=0)
    assert (shown.value, shown.password) == (None, None)
    stack.client.certificates.delete(stack.group, "env", "own")


def test_what_is_no_certificate_is_refused(stack: Stack) -> None:
    key, certificate = made("own.example")
    other, _ = made("other.example")
    for value, password, code in (
        (pfx(key, certificate, "right"), "wrong", "InvalidCertificate"),
        (pem(key, certificate, "right"), "wrong", "InvalidCertificate"),
        (b"neither", None, "InvalidCertificate"),
        (certificate.public_bytes(Encoding.PEM), None, "CertificateMustContainOnePrivateKey"),
        (pem(other, certificate), None, "CertificateMustContainOnePrivateKey"),
    ):
        with pytest.raises(HttpResponseError) as caught:
            upload(stack, "bad", value, password)
        assert (caught.value.status_code, code_of(caught.value)) == (400, code)
    assert [one.name for one in stack.client.certificates.list(stack.group, "env")] == []


def test_an_own_certificate_serves_its_names(bound: Site) -> None:
    stack, cloud = bound.stack, bound.stack.cloud
    key, certificate = made(f"*.{bound.zone}")
    own = upload(stack, "own", pfx(key, certificate, "secret"), "secret")
    request = {"name": "own", "type": "Microsoft.App/managedEnvironments/certificates"}
    client: ContainerAppsAPIClient = stack.client
    taken = client.namespaces.check_name_availability(stack.group, "env", request)
    assert (taken.name_available, taken.reason) == (False, "AlreadyExists")
    free = client.namespaces.check_name_availability(stack.group, "env", {**request, "name": "free"})
    assert free.name_available is True
    bound.set({"name": bound.host, "bindingType": "SniEnabled", "certificateId": own.id})
    assert f"subject=CN = *.{bound.zone}" in s_client(cloud, bound.host)
    with pytest.raises(HttpResponseError) as caught:
        client.certificates.delete(stack.group, "env", "own")
    assert code_of(caught.value) == "CertificateInUse"
    bound.set({"name": bound.host, "bindingType": "SniEnabled", "certificateId": bound.certificate().id})
    client.certificates.delete(stack.group, "env", "own")


def test_a_certificate_in_key_vault_is_read_with_the_environments_identity(bound: Site) -> None:
    stack, cloud, client = bound.stack, bound.stack.cloud, bound.stack.client
    vaults = cloud.client(KeyVaultManagementClient).vaults
    name = f"kv{uuid.uuid4().hex[:10]}"
    tenant = {"tenantId": cloud.endpoint["tenant"], "sku": {"family": "A", "name": "standard"}}
    body = {"location": LOCATION, "properties": {**tenant, "enableRbacAuthorization": True}}
    vault = vaults.begin_create_or_update(stack.group, name, body).result()
    stack.grant(vault.id, "Key Vault Secrets Officer", cloud.operator)
    key, certificate = made("vaulted.example")
    cloud.secrets(name).set_secret("site", base64.b64encode(pfx(key, certificate)).decode())
    reference = {"keyVaultUrl": f"https://{name}.vault.azure.net/secrets/site", "identity": stack.identity.id}
    with pytest.raises(HttpResponseError, match="cannot be read"):
        upload(stack, "vaulted", certificateKeyVaultProperties=reference)
    identity = {"type": "UserAssigned", "userAssignedIdentities": {stack.identity.id: {}}}
    patch = {"location": LOCATION, "identity": identity}
    client.managed_environments.begin_update(stack.group, "env", patch).result()
    stack.grant(vault.id, SECRETS_USER, stack.identity.principal_id)
    first = upload(stack, "vaulted", certificateKeyVaultProperties=reference).properties
    assert first.subject_alternative_names == ["vaulted.example"]
    newer = made("vaulted.example")
    cloud.secrets(name).set_secret("site", base64.b64encode(pfx(*newer)).decode())
    wanted = newer[1].fingerprint(hashes.SHA1()).hex().upper()
    certificates = client.certificates
    wait_for(
        lambda: _later(bound, DAY) and certificates.get(stack.group, "env", "vaulted").properties.thumbprint == wanted
    )
    client.certificates.delete(stack.group, "env", "vaulted")
