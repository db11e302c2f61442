"""Host names of custom domains: from what people write to what DNS and certificates carry, and back.

Names with other letters than a to z travel in ASCII: `bücher.example` is `xn--bcher-kva.example` (IDNA 2008,
https://www.rfc-editor.org/rfc/rfc5891).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import idna

LONGEST = 253
LONGEST_LABEL = 63
LONGEST_OF_A_CERTIFICATE = 64
"""Characters of a certificate's common name (X.509's ub-common-name), where managed certificates carry the host."""
AZURES_OWN = ("azurecontainerapps.io", "azurecontainerapps.us", "azurecontainerapps.cn", "azurewebsites.net")

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_ADDRESS = re.compile(r"[\d.]+|.*:.*")


@dataclass(frozen=True)
class Refusal:
    """Why a name cannot be a custom domain. `code` names the case, `do` says what would work."""

    code: str
    found: str
    do: str


class NotAHostName(ValueError):
    """The text cannot be a custom domain; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.found)
        self.refusal = refusal


def host_name(text: str, managed: bool = True) -> str:
    """Return the name in lower-case ASCII, without a final dot. Raises NotAHostName.

    `managed`: its certificate is Azure's, which limits its length.
    """
    written = text.strip().rstrip(".").lower()
    if "://" in written or "/" in written:
        raise _refused("host-is-a-url", f"{text} is a URL", "give the host name alone, as in chat.example.org")
    if "*" in written:
        reason = "managed certificates are issued for one name each, and no app takes a wildcard as its host name"
        raise _refused("wildcard", f"{text} is a wildcard: {reason}", "bind each name of its own")
    if _ADDRESS.fullmatch(written):
        raise _refused("host-is-an-address", f"{text} is an address", "give a host name, as in chat.example.org")
    name = _in_ascii(written)
    _check_labels(text, name.split("."))
    if name.endswith(tuple(f".{own}" for own in AZURES_OWN)):
        raise _refused("azures-own-name", f"{text} belongs to Azure", "bind a name in a domain of yours")
    if len(name) > LONGEST:
        raise _refused("host-too-long", f"{text} has {len(name)} characters", f"DNS takes {LONGEST}")
    if managed and len(name) > LONGEST_OF_A_CERTIFICATE:
        found = f"{name} has {len(name)} characters; managed certificates take at most {LONGEST_OF_A_CERTIFICATE}"
        raise _refused("host-too-long", found, "choose a shorter name, or bring a certificate of your own")
    return name


def in_letters(host: str) -> str:
    """Return the name as people write it: `bücher.example` for `xn--bcher-kva.example`."""
    try:
        return idna.decode(host)
    except idna.IDNAError:
        return host


def spelled(host: str) -> str:
    """Return the name for messages: as people write it, and in ASCII where that differs."""
    letters = in_letters(host)
    return host if letters == host else f"{letters} ({host})"


def _in_ascii(written: str) -> str:
    if written.isascii() and "xn--" not in written:
        return written
    try:
        name: str = idna.encode(written, uts46=True).decode()
        idna.decode(name)
    except idna.IDNAError as error:
        found = f"{written} is no internationalised name: {str(error)[:1].lower()}{str(error)[1:]}"
        raise _refused("not-idna", found, "check its letters, or give its ASCII form (xn--...)") from None
    return name


def _check_labels(text: str, labels: list[str]) -> None:
    if len(labels) < 2:
        raise _refused("no-domain", f"{text} lies in no domain", "give the whole name, as in chat.example.org")
    for label in labels:
        if len(label) > LONGEST_LABEL:
            found = f"'{label[:20]}...' in {text[:40]}... has {len(label)} characters"
            raise _refused("host-too-long", found, f"DNS takes {LONGEST_LABEL} between two dots")
        if not _LABEL.fullmatch(label):
            found = f"'{label}' in {text} is no part of a host name"
            raise _refused("not-a-host-name", found, "letters, digits and hyphens, no hyphen first or last")


def _refused(code: str, found: str, do: str) -> NotAHostName:
    return NotAHostName(Refusal(code, found, do))
