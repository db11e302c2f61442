"""Public DNS zones, written with Azure's client and read with real DNS queries."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.resource.resources import ResourceManagementClient

from ..conftest import LOCATION, Cloud, code_of
from .registrar import Registrar


@pytest.fixture(scope="module")
def registrar(cloud: Cloud) -> Iterator[Registrar]:
    groups = cloud.client(ResourceManagementClient).resource_groups
    groups.create_or_update("rg-dns", {"location": LOCATION})
    yield Registrar(cloud, "rg-dns")
    groups.begin_delete("rg-dns").result()


def test_a_zone_comes_with_its_name_servers_and_soa(registrar: Registrar) -> None:
    made = registrar.zone("new.example")
    assert made.name_servers == [
        f"ns{place}-01.azure-dns.{top}." for place, top in enumerate(("com", "net", "org", "info"), 1)
    ]
    assert (made.zone_type, made.number_of_record_sets, made.location) == ("Public", 2, "global")
    assert sorted(registrar.says("new.example", "NS")) == made.name_servers
    (soa,) = registrar.says("new.example", "SOA")
    assert soa == "ns1-01.azure-dns.com. azuredns-hostmaster.microsoft.com. 1 3600 300 2419200 300"
    assert registrar.says("ns1-01.azure-dns.com") == ["127.0.0.1"]


def test_every_type_of_record_is_served(registrar: Registrar) -> None:
    registrar.zone("types.example")
    long = "v" * 200
    rows: dict[str, tuple[dict[str, Any], list[str]]] = {
        "A": (
            {"a_records": [{"ipv4_address": "192.0.2.1"}, {"ipv4_address": "192.0.2.2"}]},
            ["192.0.2.1", "192.0.2.2"],
        ),
        "AAAA": ({"aaaa_records": [{"ipv6_address": "2001:db8::1"}]}, ["2001:db8::1"]),
        "CAA": ({"caa_records": [{"flags": 0, "tag": "issue", "value": "digicert.com"}]}, ['0 issue "digicert.com"']),
        "MX": ({"mx_records": [{"preference": 10, "exchange": "mail.example."}]}, ["10 mail.example."]),
        "TXT": ({"txt_records": [{"value": ['a "b" \\c', long]}]}, [f'"a \\"b\\" \\\\c" "{long}"']),
        "SRV": (
            {"srv_records": [{"priority": 1, "weight": 2, "port": 3, "target": "srv.example"}]},
            ["1 2 3 srv.example."],
        ),
        "PTR": ({"ptr_records": [{"ptrdname": "host.example"}]}, ["host.example."]),
    }
    for type, (sets, _) in rows.items():
        assert registrar.put("types.example", "all", type, **sets).fqdn == "all.types.example."
    assert {type: sorted(registrar.says("all.types.example", type)) for type in rows} == {
        type: expected for type, (_, expected) in rows.items()
    }
    assert {rrset.ttl for rrset in registrar.ask("all.types.example", "MX").answer} == {300}
    listed = registrar.client.record_sets
    assert len(list(listed.list_by_dns_zone("rg-dns", "types.example"))) == len(rows) + 2
    assert len(list(listed.list_all_by_dns_zone("rg-dns", "types.example"))) == len(rows) + 2
    assert [one.name for one in listed.list_by_type("rg-dns", "types.example", "MX")] == ["all"]


def test_no_such_name_and_no_such_record_are_told_apart(registrar: Registrar) -> None:
    registrar.zone("denied.example")
    registrar.put("denied.example", "a.deep", "A", a_records=[{"ipv4_address": "192.0.2.1"}])
    for name, type, code in (
        ("none.denied.example", "A", dns.rcode.NXDOMAIN),
        ("a.deep.denied.example", "TXT", dns.rcode.NOERROR),
        ("deep.denied.example", "A", dns.rcode.NOERROR),
    ):
        response = registrar.ask(name, type)
        assert (response.rcode(), response.answer) == (code, []), name
        assert response.flags & dns.flags.AA
        assert [(rrset.name.to_text(), rrset.ttl) for rrset in response.authority] == [("denied.example.", 300)]
    assert registrar.ask("www.nobody.example").rcode() == dns.rcode.REFUSED


def test_aliases_and_wildcards(registrar: Registrar) -> None:
    registrar.zone("alias.example")
    registrar.put("alias.example", "*", "A", a_records=[{"ipv4_address": "192.0.2.9"}])
    registrar.put("alias.example", "known", "TXT", txt_records=[{"value": ["here"]}])
    registrar.put("alias.example", "www", "CNAME", cname_record={"cname": "Known.alias.example"})
    registrar.put("alias.example", "out", "CNAME", cname_record={"cname": "www.elsewhere.example"})
    assert registrar.says("any.thing.alias.example") == ["192.0.2.9"]
    assert registrar.says("known.alias.example") == []
    assert registrar.says("www.alias.example", "TXT") == ["Known.alias.example.", '"here"']
    assert registrar.says("out.alias.example") == ["www.elsewhere.example."]


def test_a_zone_inside_another_is_reached_through_its_delegation(registrar: Registrar) -> None:
    registrar.zone("parent.example")
    child = registrar.zone("child.parent.example")
    registrar.put("child.parent.example", "www", "A", a_records=[{"ipv4_address": "192.0.2.1"}])
    assert registrar.ask("www.child.parent.example").rcode() == dns.rcode.NXDOMAIN
    servers = [{"nsdname": server} for server in child.name_servers]
    registrar.put("parent.example", "child", "NS", ns_records=servers)
    assert registrar.says("www.child.parent.example") == ["192.0.2.1"]
    registrar.put("parent.example", "away", "NS", ns_records=[{"nsdname": "ns.away.parent.example"}])
    referral = registrar.ask("www.away.parent.example")
    assert (referral.rcode(), referral.answer) == (dns.rcode.NOERROR, [])
    assert not referral.flags & dns.flags.AA
    assert [rrset.to_text().split(" IN ")[1] for rrset in referral.authority] == ["NS ns.away.parent.example."]


def test_a_long_answer_moves_to_tcp(registrar: Registrar) -> None:
    registrar.zone("long.example")
    rows = [{"value": [f"{number:02}" + "x" * 200]} for number in range(15)]
    registrar.put("long.example", "@", "TXT", txt_records=rows)
    query = dns.message.make_query("long.example", "TXT", use_edns=0, payload=1232)
    short = dns.query.udp(query, "127.0.0.1", 120, registrar.port)
    assert (bool(short.flags & dns.flags.TC), short.answer) == (True, [])
    whole, moved = dns.query.udp_with_fallback(query, "127.0.0.1", 120, registrar.port)
    assert (moved, len(whole.answer[0])) == (True, 15)
    without_edns = dns.message.make_query("new.example", "NS")
    assert len(dns.query.udp(without_edns, "127.0.0.1", 120, registrar.port).to_wire()) <= 512


def test_several_questions_on_one_connection(registrar: Registrar) -> None:
    registrar.zone("tcp.example")
    with socket.create_connection(("127.0.0.1", registrar.port), 120) as connection:
        for type in ("SOA", "NS"):
            query = dns.message.make_query("tcp.example", type)
            dns.query.send_tcp(connection, query)
            response, _ = dns.query.receive_tcp(connection)
            assert (response.id, response.answer[0].rdtype) == (query.id, dns.rdatatype.from_text(type))


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"\x12\x34\x00\x00\x00\x01" + bytes(6), dns.rcode.FORMERR),
        (dns.message.make_query("tcp.example", "AXFR").to_wire(), dns.rcode.REFUSED),
        (dns.message.make_query("version.bind", "TXT", "CH").to_wire(), dns.rcode.REFUSED),
    ],
    ids=["malformed", "a transfer", "another class"],
)
def test_what_is_no_question_of_ours(registrar: Registrar, wire: bytes, code: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(120)
        plain.sendto(wire, ("127.0.0.1", registrar.port))
        answer = plain.recv(4096)
    assert (answer[:2], answer[3] & 0xF) == (wire[:2], code)


REFUSED: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("@", "CNAME", {"cname_record": {"cname": "x.example"}}, 409, "another record with the same name already exists"),
    ("taken", "CNAME", {"cname_record": {"cname": "x.example"}}, 409, "another record with the same name"),
    ("alias", "TXT", {"txt_records": [{"value": ["x"]}]}, 409, "because a CNAME record with the same name"),
    ("bad", "A", {"a_records": [{"ipv4_address": "192.0.2"}]}, 400, "The IPv4 address '192.0.2' is invalid"),
    ("bad", "AAAA", {"aaaa_records": [{"ipv6_address": "::g"}]}, 400, "IPv6 address"),
    ("bad", "CNAME", {"cname_record": {"cname": "a..b"}}, 400, "The domain name 'a..b' is invalid"),
    ("bad", "TXT", {"txt_records": [{"value": ["x" * 256]}]}, 400, "TXT record"),
    ("bad", "A", {"ttl": 0, "a_records": [{"ipv4_address": "192.0.2.1"}]}, 400, "TTL value '0'"),
    ("a.*.b", "A", {"a_records": [{"ipv4_address": "192.0.2.1"}]}, 400, "is invalid"),
    ("\u00fcber", "A", {"a_records": [{"ipv4_address": "192.0.2.1"}]}, 400, "is invalid"),
    ("alias", "A", {"target_resource": {"id": "/subscriptions/x"}}, 400, "Alias record sets"),
    ("www", "SOA", {"soa_record": {"email": "a.example"}}, 400, "zone apex"),
    ("@", "NS", {"ns_records": [{"nsdname": "ns.example"}]}, 400, "cannot be removed"),
]


@pytest.mark.parametrize(("name", "type", "rows", "status", "message"), REFUSED)
def test_records_that_azure_refuses(
    registrar: Registrar, name: str, type: str, rows: dict[str, Any], status: int, message: str
) -> None:
    registrar.zone("refused.example")
    registrar.put("refused.example", "taken", "A", a_records=[{"ipv4_address": "192.0.2.1"}])
    registrar.put("refused.example", "alias", "CNAME", cname_record={"cname": "x.example"})
    with pytest.raises(HttpResponseError) as caught:
        registrar.put("refused.example", name, type, **rows)
    assert caught.value.status_code == status
    assert message in str(caught.value)
    assert code_of(caught.value) == {409: "Conflict", 400: "BadRequest"}[status]


def test_etags_guard_records_and_zones(registrar: Registrar) -> None:
    zone = registrar.zone("etag.example")
    first = registrar.put("etag.example", "www", "A", a_records=[{"ipv4_address": "192.0.2.1"}])
    second = registrar.put("etag.example", "www", "A", a_records=[{"ipv4_address": "192.0.2.2"}])
    assert first.etag != second.etag
    for refused in (
        lambda: registrar.zone("etag.example", if_none_match="*"),
        lambda: registrar.zone("etag.example", if_match="other"),
        lambda: registrar.client.record_sets.create_or_update(
            "rg-dns", "etag.example", "www", "A", {"ttl": 60}, if_match=first.etag
        ),
        lambda: registrar.client.record_sets.create_or_update(
            "rg-dns", "etag.example", "www", "A", {"ttl": 60}, if_none_match="*"
        ),
        lambda: registrar.client.record_sets.delete("rg-dns", "etag.example", "www", "A", if_match=first.etag),
    ):
        with pytest.raises(HttpResponseError) as caught:
            refused()
        assert caught.value.status_code == 412
    assert registrar.zone("etag.example").etag != zone.etag
    registrar.client.record_sets.delete("rg-dns", "etag.example", "www", "A", if_match=second.etag)


def test_the_records_at_the_apex_stay(registrar: Registrar) -> None:
    registrar.zone("apex.example")
    sets = registrar.client.record_sets
    for type in ("SOA", "NS"):
        with pytest.raises(HttpResponseError, match="cannot be deleted"):
            sets.delete("rg-dns", "apex.example", "@", type)
    sets.create_or_update("rg-dns", "apex.example", "@", "SOA", {"ttl": 60, "soa_record": {"minimum_ttl": 7}})
    (soa,) = registrar.says("apex.example", "SOA")
    assert soa == "ns1-01.azure-dns.com. azuredns-hostmaster.microsoft.com. 1 3600 300 2419200 7"
    with pytest.raises(ResourceNotFoundError) as caught:
        sets.get("rg-dns", "apex.example", "www", "A")
    assert code_of(caught.value) == "NotFound"
    registrar.client.zones.begin_delete("rg-dns", "apex.example").result()
    assert registrar.ask("apex.example", "SOA").rcode() == dns.rcode.REFUSED


@pytest.fixture
def elsewhere(registrar: Registrar) -> Iterator[None]:
    yield
    registrar.delegate()


def test_a_domain_at_another_registrar_is_a_zone_file(registrar: Registrar, tmp_path: Path, elsewhere: None) -> None:
    file = tmp_path / "zone.txt"
    text = "@ 60 IN SOA ns.other.example. me.other.example. 1 60 60 60 60\nwww 60 IN A {}\n"
    file.write_text(text.format("192.0.2.1"))
    registrar.zone("other.example")
    registrar.put("other.example", "azure", "A", a_records=[{"ipv4_address": "192.0.2.7"}])
    child = registrar.zone("here.other.example")
    registrar.put("here.other.example", "www", "A", a_records=[{"ipv4_address": "192.0.2.8"}])
    assert registrar.says("azure.other.example") == ["192.0.2.7"]
    registrar.delegate(**{"other.example": str(file)})
    assert registrar.says("www.other.example") == ["192.0.2.1"]
    assert registrar.ask("azure.other.example").rcode() == dns.rcode.NXDOMAIN
    file.write_text(text.format("192.0.2.22") + f"here 60 IN NS {child.name_servers[0]}\n")
    assert registrar.says("www.other.example") == ["192.0.2.22"]
    assert registrar.says("www.here.other.example") == ["192.0.2.8"]
    file.write_text("this is no zone\n")
    assert registrar.ask("www.other.example").rcode() == dns.rcode.SERVFAIL


def test_a_domain_at_a_name_server_elsewhere(registrar: Registrar, fresh: Cloud, elsewhere: None) -> None:
    groups = fresh.client(ResourceManagementClient).resource_groups
    groups.create_or_update("rg-dns", {"location": LOCATION})
    other = Registrar(fresh, "rg-dns")
    other.zone("far.example")
    other.put("far.example", "www", "A", a_records=[{"ipv4_address": "192.0.2.1"}])
    registrar.delegate(**{"far.example": fresh.endpoint["dns"]})
    assert registrar.says("www.far.example") == ["192.0.2.1"]
    fresh.stop()
    assert registrar.ask("www.far.example").rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize(
    ("domain", "place"),
    [("a.example", "nowhere"), ("a.example", "relative/path"), ("a.example", "127.0.0.1"), ("a..example", "/zone")],
)
def test_a_delegation_that_is_none_is_refused(cloud: Cloud, domain: str, place: str) -> None:
    answer = cloud.call("PUT", "/_local/settings", json={"delegations": {domain: place}})
    assert answer.status_code == 400
    assert "zone file" in answer.text or "registrar" in answer.text


def test_a_zone_does_not_take_over_the_platforms_names(registrar: Registrar) -> None:
    registrar.zone("azure-dns.com")
    registrar.put("azure-dns.com", "ns1-01", "A", a_records=[{"ipv4_address": "192.0.2.1"}])
    assert registrar.says("ns1-01.azure-dns.com") == ["127.0.0.1"]


def test_a_record_set_without_records_is_a_name_and_nothing_more(registrar: Registrar) -> None:
    registrar.zone("empty.example")
    for type, member in (("NS", "ns_records"), ("A", "a_records")):
        registrar.put("empty.example", type, type, **{member: []})
        assert registrar.says(f"{type}.empty.example", type) == []


def test_the_port_and_the_zones_outlive_a_restart(fresh: Cloud) -> None:
    groups = fresh.client(ResourceManagementClient).resource_groups
    groups.create_or_update("rg-dns", {"location": LOCATION})
    Registrar(fresh, "rg-dns").zone("kept.example")
    before = fresh.endpoint["dns"]
    fresh.stop()
    fresh.start()
    assert fresh.endpoint["dns"] == before
    assert len(Registrar(fresh, "rg-dns").says("kept.example", "NS")) == 4
