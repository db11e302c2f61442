"""The kinds of custom domains, planned and applied by the engine: interrupted, crowded, mended, taken away."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from nameserver import Nameserver, serving

from chatops.azure.clients import Azure
from chatops.azure.cloud import local
from chatops.config.schema import Domain
from chatops.engine.apply import Outcome, apply
from chatops.engine.events import Event, Progress, Succeeded
from chatops.engine.plan import Action, Plan, observe, plan_down, plan_up
from chatops.engine.resource import Json, Known
from chatops.naming import OWNER_TAG, Names
from chatops.resources.arm import ArmResource
from chatops.resources.host import APP_VERSION
from chatops.stack.hosting import STEPS, Ground, hosting

from ..conftest import LOCATION, Cloud
from .conftest import Stack
from .registrar import Registrar

APPS = "Microsoft.App"


@dataclass(frozen=True, kw_only=True)
class Given(ArmResource):
    """What the domains stand on; here only to be read."""

    type = ""
    words = "given"
    api_version = "2026-01-01"
    precious = True

    def body(self, known: Known) -> Json:
        return {}


@dataclass
class Rig:
    """Domains of one app, and the engine that makes them so."""

    stack: Stack
    domains: dict[str, Domain]
    seconds: float = 60.0
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.azure = Azure(local(self.stack.cloud.home / "endpoint.json"))
        self.names = Names("chat", self.stack.cloud.endpoint["subscription"], self.stack.group)

    @property
    def resources(self) -> list[Any]:
        environment = self.stack.environment.id
        tags = {OWNER_TAG: "chat"}
        ground = Ground(self.names, LOCATION, tags, environment, self.stack.identity.id, self.seconds)
        group = Given(address="group", id=self.names.group_id, parent=None)
        home = Given(address="environment", id=environment, parent=None)
        app = Given(address="app/ui", id=self.names.id(f"{APPS}/containerApps", "ui"), parent=None)
        return [group, home, app, *hosting(ground, self.domains)]

    def plan(self) -> Plan:
        return plan_up(self.resources, observe(self.resources, self.azure))

    def up(self, emit: Callable[[Event], None] | None = None) -> Outcome:
        self.events.clear()
        return apply(self.plan(), self.azure, emit or self.events.append, self.azure.stop)

    def down(self) -> Outcome:
        ours = [r for r in self.resources if not isinstance(r, Given)]
        plan = plan_down(self.resources, observe(ours, self.azure))
        return apply(plan, self.azure, self.events.append, self.azure.stop)

    @property
    def bound(self) -> dict[str, str]:
        return {domain["name"]: domain["bindingType"] for domain in self._ingress.get("customDomains") or []}

    @property
    def fqdn(self) -> str:
        return str(self._ingress["fqdn"])

    @property
    def _ingress(self) -> Json:
        app = self.azure.read(self.names.id(f"{APPS}/containerApps", "ui"), APP_VERSION)
        assert app
        return dict(app["properties"]["configuration"]["ingress"])


@pytest.fixture
def app(stack: Stack) -> Iterator[Any]:
    yield stack.put("ui", stack.body())
    stack.client.container_apps.begin_delete(stack.group, "ui").result()


@pytest.fixture
def registrar(cloud: Cloud, stack: Stack) -> Iterator[Registrar]:
    made = Registrar(cloud, stack.group)
    yield made
    made.delegate()


def in_zone(zone: str, **more: Any) -> Domain:
    return Domain.model_validate({"zone": zone, **more}, context={"services": ("ui",)})


def test_a_domain_that_is_interrupted_after_any_step_goes_on(stack: Stack, app: Any) -> None:
    host = "chat.steps.example"
    for step in STEPS[:-1]:
        rig = Rig(stack, {host: in_zone("steps.example")})

        def stop_after(event: Event, step: str = step, rig: Rig = rig) -> None:
            if isinstance(event, Succeeded) and event.step.address == f"{step}/{host}":
                rig.azure.stop.set()

        assert not rig.up(stop_after).complete

        again = Rig(stack, {host: in_zone("steps.example")})
        before = {s.address for s in again.plan().work}
        assert f"{step}/{host}" not in before
        assert f"binding/{host}" in before
        assert again.up().complete
        assert again.bound == {host: "SniEnabled"}
        assert again.plan().work == ()
        assert again.down().complete
        assert again.bound == {}
        assert observe([r for r in again.resources if not isinstance(r, Given)], again.azure) == {}


def test_what_others_set_stays(stack: Stack, app: Any, registrar: Registrar) -> None:
    registrar.zone("crowded.example")
    registrar.txt("crowded.example", "asuid.old", app.properties.custom_domain_verification_id)
    registrar.put("crowded.example", "asuid.chat", "TXT", txt_records=[{"value": ["of another subscription"]}])
    registrar.put("crowded.example", "@", "MX", mx_records=[{"preference": 10, "exchange": "mail.crowded.example"}])
    theirs = {"name": "old.crowded.example", "bindingType": "Disabled"}
    patch = {"location": LOCATION, "properties": {"configuration": {"ingress": {"customDomains": [theirs]}}}}
    stack.client.container_apps.begin_update(stack.group, "ui", patch).result()
    zone = in_zone("crowded.example", zone_resource_group=stack.group)
    rig = Rig(stack, dict.fromkeys(("chat.crowded.example", "a.crowded.example", "b.crowded.example"), zone))

    assert rig.up().complete
    assert rig.bound == {**dict.fromkeys(rig.domains, "SniEnabled"), "old.crowded.example": "Disabled"}
    values = registrar.says("asuid.chat.crowded.example", "TXT")
    assert len(values) == 2 and '"of another subscription"' in values
    assert rig.plan().work == ()

    assert rig.down().complete
    assert rig.bound == {"old.crowded.example": "Disabled"}
    assert registrar.says("asuid.chat.crowded.example", "TXT") == ['"of another subscription"']
    assert registrar.says("crowded.example", "MX") == ["10 mail.crowded.example."]


def test_a_zone_of_the_stack_that_holds_others_records_is_not_deleted(
    stack: Stack, app: Any, registrar: Registrar
) -> None:
    rig = Rig(stack, {"chat.shared.example": in_zone("shared.example")})
    assert rig.up().complete
    registrar.put("shared.example", "@", "MX", mx_records=[{"preference": 10, "exchange": "mail.shared.example"}])
    assert rig.down().complete
    assert registrar.says("shared.example", "MX") == ["10 mail.shared.example."]
    assert registrar.ask("chat.shared.example", "CNAME").answer == []


def test_a_record_that_leads_to_an_old_environment_is_mended(stack: Stack, app: Any, registrar: Registrar) -> None:
    rig = Rig(stack, {"chat.moved.example": in_zone("moved.example")})
    assert rig.up().complete
    old = "ui.oldfield-11112222.westeurope.azurecontainerapps.io"
    found = registrar.client.record_sets.get(stack.group, "moved.example", "chat", "CNAME")
    registrar.put("moved.example", "chat", "CNAME", cname_record={"cname": old}, metadata=found.metadata)

    (step,) = rig.plan().work
    assert (step.action, step.changes[0].before, step.changes[0].after) == (Action.UPDATE, old, rig.fqdn)
    assert rig.up().complete
    assert registrar.says("chat.moved.example", "CNAME") == [f"{rig.fqdn}."]
    assert rig.down().complete


def test_the_registrar_is_watched_while_somebody_types(stack: Stack, app: Any, registrar: Registrar) -> None:
    host, proof, rig = "chat.typed.example", app.properties.custom_domain_verification_id, None
    server = Nameserver(name="ns1.registrar.example")
    server.load("typed.example", "")
    typed = [
        ("TXT asuid.chat.typed.example is missing", f'asuid.chat.typed.example TXT "{proof}"\n'),
        ("typed.example was appended twice", f'asuid.chat TXT "{proof}"\nchat A 192.0.2.80\n'),
        ("A 192.0.2.80 instead of a CNAME", f'asuid.chat TXT "{proof}"\nchat CNAME {{fqdn}}.\n'),
    ]
    with serving(server):
        registrar.delegate(**{"typed.example": f"127.0.0.1:{server.port}"})
        rig = Rig(stack, {host: Domain.model_validate({}, context={"services": ("ui",)})}, seconds=120.0)

        def type_it(event: Event) -> None:
            rig.events.append(event)
            if typed and isinstance(event, Progress) and typed[0][0] in event.message:
                server.load("typed.example", typed.pop(0)[1].format(fqdn=rig.fqdn))

        outcome = rig.up(type_it)
        assert outcome.complete, outcome.failed
        assert typed == []
        assert rig.bound == {host: "SniEnabled"}
        assert rig.plan().work == ()
        kept = plan_down(rig.resources, observe(rig.resources[3:], rig.azure)).kept
        assert [name for name in kept if "registrar" in name] == [
            "record TXT asuid.chat.typed.example at its registrar",
            "record CNAME chat.typed.example at its registrar",
        ]
        assert rig.down().complete


def test_without_patience_the_records_to_type_are_named(stack: Stack, app: Any, registrar: Registrar) -> None:
    server = Nameserver(name="ns1.registrar.example")
    server.load("hasty.example", "")
    with serving(server):
        registrar.delegate(**{"hasty.example": f"127.0.0.1:{server.port}"})
        rig = Rig(stack, {"chat.hasty.example": Domain.model_validate({}, context={"services": ("ui",)})}, seconds=0.0)
        outcome = rig.up()
    failed = {address: (str(error), getattr(error, "hint", "")) for address, error in outcome.failed.items()}
    assert set(failed) == {"proof/chat.hasty.example", "route/chat.hasty.example"}
    assert f"chat.hasty.example. 3600 IN CNAME {rig.fqdn}." in failed["route/chat.hasty.example"][1]
    assert rig.bound == {}


def test_no_certificate_is_asked_for_that_cannot_be_issued(stack: Stack, app: Any, registrar: Registrar) -> None:
    registrar.zone("strict.example")
    registrar.put("strict.example", "@", "CAA", caa_records=[{"flags": 0, "tag": "issue", "value": "letsencrypt.org"}])
    rig = Rig(stack, {"chat.strict.example": in_zone("strict.example", zone_resource_group=stack.group)})
    outcome = rig.up()
    (error,) = outcome.failed.values()
    assert "CAA of strict.example lets letsencrypt.org issue" in str(error)
    assert rig.bound == {"chat.strict.example": "Disabled"}
    registrar.client.record_sets.delete(stack.group, "strict.example", "@", "CAA")
    assert rig.up().complete
    assert rig.down().complete


def test_a_certificate_that_failed_is_asked_for_again(stack: Stack, app: Any, cloud: Cloud) -> None:
    fault = {"match": "PUT */managedCertificates/*", "answer": "fail", "code": "Odd", "message": "The issuer is out."}
    cloud.call("PATCH", "/_local/trouble", json={"faults": [fault]})
    rig = Rig(stack, {"chat.luckless.example": in_zone("luckless.example")})
    (error,) = rig.up().failed.values()
    assert "The issuer is out." in str(error)
    cloud.call("DELETE", "/_local/trouble")
    assert rig.up().complete
    assert rig.bound == {"chat.luckless.example": "SniEnabled"}
    assert rig.down().complete


def test_a_certificate_of_ones_own_is_served_and_changed(stack: Stack, app: Any, tmp_path: Path) -> None:
    host, file = "chat.own.example", tmp_path / "chat.pem"
    numbers: list[int] = []
    assert Rig(stack, {host: in_zone("own.example")}).up().complete
    for _ in range(2):
        numbers.append(write_certificate(file, host))
        rig = Rig(stack, {host: in_zone("own.example", certificate=str(file))})
        assert rig.up().complete
        assert rig.bound == {host: "SniEnabled"}
        assert served(stack, host) == numbers[-1]
        assert rig.plan().work == ()
    assert numbers[0] != numbers[1]
    managed = stack.client.managed_certificates.list(stack.group, "env")
    assert [one.name for one in managed if "own-example" in str(one.name)] == [], "it was the stack's, and is replaced"
    assert rig.down().complete


def write_certificate(file: Path, host: str) -> int:
    """Write a self-signed certificate with its key; return its serial number."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    number, now = x509.random_serial_number(), datetime.now(UTC)
    built = x509.CertificateBuilder(
        name, name, key.public_key(), number, now - timedelta(days=1), now + timedelta(days=90)
    )
    signed = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False).sign(
        key, hashes.SHA256()
    )
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(text + signed.public_bytes(Encoding.PEM))
    return number


def served(stack: Stack, host: str) -> int:
    """The serial number of the certificate that the ingress shows to a browser that asks for `host`."""
    port = urlsplit(stack.cloud.endpoint["ingress_tls"]).port
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port or 0), timeout=120)
    with plain, context.wrap_socket(plain, server_hostname=host) as secure:
        shown = secure.getpeercert(binary_form=True)
    assert shown
    return x509.load_der_x509_certificate(shown).serial_number
