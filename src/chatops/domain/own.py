"""A certificate of the operator's own, in a file: does its key belong to it, whom does it name, and until when?"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from chatops.errors import ChatopsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate

PASSWORD = "CHATOPS_CERTIFICATE_PASSWORD"  # noqa: S105
"""The environment variable that holds the file's password."""


@dataclass(frozen=True)
class OwnCertificate:
    """What Azure is given (`value`: base64 of the file) and what is known of it. `thumbprint` is SHA-1, as Azure's."""

    value: str = field(repr=False)
    password: str = field(repr=False)
    thumbprint: str
    names: tuple[str, ...]
    until: datetime

    def covers(self, host: str) -> bool:
        """Tell whether it is for `host`, by its name or by a wildcard for one label."""
        return host in self.names or f"*.{host.partition('.')[2]}" in self.names


def read(path: Path, password: str, host: str) -> OwnCertificate:
    """Read a .pfx or .pem file and check it for `host`. Raises ChatopsError with what is wrong with it."""
    from cryptography.hazmat.primitives.hashes import SHA1

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ChatopsError(f"{path.name} cannot be read: {error.strerror}") from error
    pem = path.suffix.lower() == ".pem"
    certificate, key = _from_pem(path, content, password) if pem else _from_pfx(path, content, password)
    if certificate.public_key() != key.public_key():
        raise ChatopsError(f"the private key in {path.name} does not belong to its certificate")
    thumbprint = certificate.fingerprint(SHA1()).hex().upper()  # noqa: S303
    value = base64.b64encode(content).decode()
    found = OwnCertificate(value, password, thumbprint, _names(certificate), certificate.not_valid_after_utc)
    if not found.covers(host):
        raise ChatopsError(
            f"the certificate in {path.name} is for {', '.join(found.names) or 'nobody'}, not for {host}"
        )
    if found.until <= datetime.now(UTC):
        raise ChatopsError(f"the certificate in {path.name} expired on {found.until:%Y-%m-%d}")
    return found


def _from_pem(path: Path, content: bytes, password: str) -> tuple[Certificate, PrivateKeyTypes]:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    try:
        certificate = load_pem_x509_certificate(content)
    except ValueError as error:
        raise ChatopsError(f"{path.name} holds no certificate") from error
    try:
        return certificate, load_pem_private_key(content, password.encode() or None)
    except TypeError as error:
        raise _locked(path) from error
    except ValueError as error:
        raise ChatopsError(f"{path.name} holds no private key, or the password is not its") from error


def _from_pfx(path: Path, content: bytes, password: str) -> tuple[Certificate, PrivateKeyTypes]:
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    try:
        key, certificate, _ = load_key_and_certificates(content, password.encode() or None)
    except ValueError as error:
        raise _locked(path) from error
    if key is None or certificate is None:
        raise ChatopsError(f"{path.name} holds no certificate with its private key")
    return certificate, key


def _locked(path: Path) -> ChatopsError:
    return ChatopsError(f"{path.name} does not open with this password", f"{PASSWORD} holds it")


def _names(certificate: Certificate) -> tuple[str, ...]:
    from cryptography.x509 import DNSName, ExtensionNotFound, SubjectAlternativeName

    try:
        names = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(DNSName))
