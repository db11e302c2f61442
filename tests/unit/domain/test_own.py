"""Certificates of the operator's own: what is taken from a file, and what is wrong with others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from chatops.domain.own import read
from chatops.errors import ChatopsError

HOST = "chat.example.org"
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(*names: str, days: int = 90) -> x509.Certificate:
    name, begin = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]),
        datetime.now(UTC) - timedelta(days=100),
    )
    number = x509.random_serial_number()
    built = x509.CertificateBuilder(name, name, KEY.public_key(), number, begin, begin + timedelta(days=100 + days))
    alternatives = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
    return built.add_extension(alternatives, critical=False).sign(KEY, hashes.SHA256())


def pem(folder: Path, held: x509.Certificate, key: ec.EllipticCurvePrivateKey | None = KEY) -> Path:
    file = folder / "chat.pem"
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) if key else b""
    file.write_bytes(text + held.public_bytes(Encoding.PEM))
    return file


def pfx(folder: Path, held: x509.Certificate, password: str) -> Path:
    file = folder / "chat.pfx"
    locked = BestAvailableEncryption(password.encode())
    file.write_bytes(pkcs12.serialize_key_and_certificates(b"chat", KEY, held, None, locked))
    return file


@pytest.mark.parametrize("names", [(HOST,), ("*.example.org",), ("example.org", HOST)])
def test_a_pem_file_is_taken_for_a_host_that_it_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    held = certificate(*names)
    found = read(pem(tmp_path, held), "", HOST)
    assert found.thumbprint == held.fingerprint(hashes.SHA1()).hex().upper()
    assert found.until == held.not_valid_after_utc
    assert found.value not in repr(found)


def test_a_pfx_file_opens_with_its_password_alone(tmp_path: Path) -> None:
    file = pfx(tmp_path, certificate(HOST), "right")
    found = read(file, "right", HOST)
    assert found.names == (HOST,)
    assert "right" not in repr(found)
    with pytest.raises(ChatopsError, match=r"chat\.pfx does not open with this password") as caught:
        read(file, "wrong", HOST)
    assert "wrong" not in str(caught.value)


def test_what_is_wrong_with_a_file_is_said(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ChatopsError, match="expired on"):
        read(pem(tmp_path, certificate(HOST, days=-1)), "", HOST)
    with pytest.raises(ChatopsError, match=r"is for example\.org, not for chat\.example\.org"):
        read(pem(tmp_path, certificate("example.org")), "", HOST)
    with pytest.raises(ChatopsError, match="does not belong to its certificate"):
        read(pem(tmp_path, certificate(HOST), other), "", HOST)
    with pytest.raises(ChatopsError, match="holds no private key"):
        read(pem(tmp_path, certificate(HOST), None), "", HOST)
    with pytest.raises(ChatopsError, match="cannot be read"):
        read(tmp_path / "none.pem", "", HOST)
