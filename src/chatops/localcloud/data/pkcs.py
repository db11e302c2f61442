"""Certificates as people have them, PFX (PKCS #12) or PEM, with or without a password; and what is told about one."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, pkcs12

_PEM = b"-----BEGIN "


class NoKey(ValueError):
    """There is no private key, or none that belongs to one of the certificates."""


@dataclass(frozen=True)
class Bundle:
    """One certificate with its key and the chain above it."""

    key: PrivateKeyTypes
    leaf: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @property
    def pem(self) -> str:
        """Key, certificate and chain, in the order in which a TLS server wants them."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        parts = [key, *(one.public_bytes(Encoding.PEM) for one in (self.leaf, *self.chain))]
        return b"".join(parts).decode()

    @property
    def names(self) -> list[str]:
        """The host names that it is for."""
        try:
            found = self.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return []
        return found.value.get_values_for_type(x509.DNSName)

    @property
    def thumbprint(self) -> str:
        return self.leaf.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - what Azure calls a thumbprint

    @property
    def key_hash(self) -> str:
        """SHA-256 over the public key."""
        digest = hashes.Hash(hashes.SHA256())
        digest.update(_public(self.leaf))
        return digest.finalize().hex().upper()


def read(data: bytes, password: str | None) -> Bundle:
    """Open a PFX or PEM file. Raises ValueError when it is neither or the password is wrong, NoKey without its key."""
    secret = password.encode() if password else None
    try:
        key, certificates = _from_pem(data, secret) if _PEM in data else _from_pfx(data, secret)
    except (TypeError, UnsupportedAlgorithm, ValueError) as failure:
        raise ValueError("neither PFX nor PEM, or the password is wrong") from failure
    if key is None:
        raise NoKey("no private key")
    own = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    leaf = next((one for one in certificates if _public(one) == own), None)
    if leaf is None:
        raise NoKey("the private key belongs to none of the certificates")
    return Bundle(key, leaf, tuple(one for one in certificates if one != leaf))


def _from_pem(data: bytes, secret: bytes | None) -> tuple[PrivateKeyTypes | None, list[x509.Certificate]]:
    certificates = x509.load_pem_x509_certificates(data)
    if b"PRIVATE KEY-----" not in data:
        return None, certificates
    encrypted = b"ENCRYPTED" in data
    return serialization.load_pem_private_key(data, secret if encrypted else None), certificates


def _from_pfx(data: bytes, secret: bytes | None) -> tuple[PrivateKeyTypes | None, list[x509.Certificate]]:
    key, leaf, more = pkcs12.load_key_and_certificates(data, secret)
    return key, [*([leaf] if leaf else []), *more]


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
