"""Names as people write them: which of them can be a custom domain, and how the others are refused."""

from __future__ import annotations

import pytest

from chatops.domain.hostname import NotAHostName, host_name, in_letters, spelled


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("chat.example.org", "chat.example.org"),
        (" Chat.Example.ORG. ", "chat.example.org"),
        ("example.org", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("a" * 60 + ".org", "a" * 60 + ".org"),
    ],
)
def test_a_name_is_brought_into_the_form_of_dns(written: str, name: str) -> None:
    assert host_name(written) == name


@pytest.mark.parametrize("letters", ["bücher.example", "faß.de", "例え.テスト"])
def test_other_letters_go_both_ways(letters: str) -> None:
    assert in_letters(host_name(letters)) == letters
    assert spelled(host_name(letters)) == f"{letters} ({host_name(letters)})"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("*.example.org", "wildcard"),
        ("https://chat.example.org/", "host-is-a-url"),
        ("20.31.8.4", "host-is-an-address"),
        ("2001:db8::1", "host-is-an-address"),
        ("localhost", "no-domain"),
        ("", "no-domain"),
        ("my_chat.example.org", "not-a-host-name"),
        ("-chat.example.org", "not-a-host-name"),
        ("chat..example.org", "not-a-host-name"),
        ("xn--zzzzzz.example", "not-idna"),
        ("☃.example", "not-idna"),
        ("ui.calm.westeurope.azurecontainerapps.io", "azures-own-name"),
        ("a" * 64 + ".org", "host-too-long"),
        ("a" * 30 + "." + "b" * 30 + ".org", "host-too-long"),
        (".".join(["a" * 60] * 5) + ".org", "host-too-long"),
    ],
)
def test_a_name_that_cannot_be_bound_is_refused(written: str, code: str) -> None:
    with pytest.raises(NotAHostName) as caught:
        host_name(written)
    assert caught.value.refusal.code == code
    assert caught.value.refusal.do


def test_a_long_name_is_fine_with_a_certificate_of_ones_own() -> None:
    name = "a" * 30 + "." + "b" * 30 + ".org"
    assert host_name(name, managed=False) == name
