"""The local cloud's own certificate authority and what it signs (all elliptic curve P-256).

The authority stays for the life of a home, so that a client trusts it once; the daemon's own server certificate is
renewed near its end.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import clock
from .files import write_private

AUTHORITY_DAYS = 3650
SERVER_DAYS = 365
RENEW_DAYS = 30
LONGEST_COMMON_NAME = 64
NAMES = ("localhost", "*.vault.azure.net", "*.azurecr.io", "management.azure.com", "login.microsoftonline.com")
_BACKDATE = timedelta(hours=1)


@dataclass(frozen=True)
class Certificates:
    """The four files in a home. The keys have mode 0600."""

    home: Path

    @property
    def authority(self) -> Path:
        return self.home / "ca.pem"

    @property
    def authority_key(self) -> Path:
        return self.home / "ca.key"

    @property
    def server(self) -> Path:
        return self.home / "server.pem"

    @property
    def server_key(self) -> Path:
        return self.home / "server.key"

    def ensure(self) -> None:
        """Make what is missing and renew what is about to expire."""
        if _due(self.authority) or not self.authority_key.exists():
            self.server.unlink(missing_ok=True)  # first: what another authority signed must not stay
            self._make_authority()
        if _due(self.server) or not self.server_key.exists():
            self._make_server()

    def issue(self, names: Sequence[str], end: datetime) -> str:
        """A certificate for these host names until `end`, as PEM, after its key; the authority is what clients have.

        It is valid from now by the machine's own clock, whatever the local cloud's clock was put ahead by.
        """
        key, certificate = self._sign([x509.DNSName(name) for name in names], end)
        return _key_pem(key) + _pem(certificate)

    def _make_authority(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "chatops local cloud")])
        built = (
            _builder(name, name, key, clock.wall() + timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign=True), critical=True)
        )
        write_private(self.authority_key, _key_pem(key))
        write_private(self.authority, _pem(built.sign(key, hashes.SHA256())))

    def _make_server(self) -> None:
        names = [x509.DNSName(text) for text in NAMES]
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        key, certificate = self._sign([*names, address], clock.wall() + timedelta(days=SERVER_DAYS))
        write_private(self.server_key, _key_pem(key))
        write_private(self.server, _pem(certificate))

    def _sign(
        self, names: Sequence[x509.GeneralName], end: datetime
    ) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        signer = serialization.load_pem_private_key(self.authority_key.read_bytes(), None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self.authority_key} holds no elliptic curve key")
        authority = x509.load_pem_x509_certificate(self.authority.read_bytes())
        key = ec.generate_private_key(ec.SECP256R1())
        issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        built = (
            _builder(_subject(str(names[0].value)), authority.subject, key, end)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(issuer_key, critical=False)
        )
        return key, built.sign(signer, hashes.SHA256())


def _subject(name: str) -> x509.Name:
    """The common name where X.509 has room for it; clients look at the alternative names."""
    if len(name) > LONGEST_COMMON_NAME:
        return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "chatops local cloud")])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.wall() - _BACKDATE)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign,
        crl_sign=sign,
        encipher_only=False,
        decipher_only=False,
    )


def _due(path: Path) -> bool:
    if not path.exists():
        return True
    end = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return end - clock.wall() < timedelta(days=RENEW_DAYS)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()
