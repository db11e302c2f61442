"""Certificates that operators bring: uploaded as PFX or PEM, or kept in Key Vault and looked at again now and then.

https://learn.microsoft.com/azure/container-apps/custom-domains-certificates and .../key-vault-certificates-manage
"""

from __future__ import annotations

import base64
import binascii
import logging
from datetime import datetime

from .. import clock
from ..data.pkcs import Bundle, NoKey, read
from ..errors import ArmError
from ..store import Body, Record
from ..world import World
from .app_rules import read_vault
from .domains import UPLOADED, deletable, refuse
from .kind import Change, Kind, NameRule

log = logging.getLogger(__name__)

COMPUTED = (
    *("subjectName", "subjectAlternativeNames", "issuer", "issueDate", "expirationDate", "thumbprint"),
    "publicKeyHash",
)


def _check(change: Change) -> None:
    bundle = _bundle(change)
    if bundle is None:
        return
    change.record.hidden["pem"] = bundle.pem
    change.properties.update(_shown_of(bundle))


def _bundle(change: Change) -> Bundle | None:
    """What this write brings; None when it leaves the certificate as it is."""
    reference = change.properties.get("certificateKeyVaultProperties")
    if change.call.method == "PATCH" and "value" not in change.private:
        return None
    if reference:
        return _from_vault(change.world, change.record, reference)
    try:
        data = base64.b64decode(str(change.private.get("value", "")), validate=True)
    except binascii.Error as failure:
        raise _invalid(change.id.name) from failure
    return _open(change.id.name, data, change.private.get("password"))


def _from_vault(world: World, record: Record, reference: Body) -> Bundle:
    url, identity = str(reference.get("keyVaultUrl", "")), str(reference.get("identity", ""))
    environment = world.store.find(record.id.rsplit("/certificates/", 1)[0])
    value = read_vault(world, environment, url, identity) if environment else None
    if value is None:
        text = f"The certificate '{record.name}' cannot be read from {url} with the environment's identity '{identity}'"
        raise refuse("InvalidCertificateKeyVaultReference", f"{text}: the identity is not its own, or may not read it.")
    try:
        data = value.encode() if value.startswith("-----BEGIN ") else base64.b64decode(value, validate=True)
    except binascii.Error as failure:
        raise _invalid(record.name) from failure
    return _open(record.name, data, None)


def _open(name: str, data: bytes, password: str | None) -> Bundle:
    try:
        return read(data, password)
    except NoKey as failure:
        raise refuse("CertificateMustContainOnePrivateKey", "Certificate must contain one private key.") from failure
    except ValueError as failure:
        raise _invalid(name) from failure


def _invalid(name: str) -> ArmError:
    return refuse("InvalidCertificate", f"The certificate {name} is invalid or password is incorrect.")


def _shown_of(bundle: Bundle) -> Body:
    return {
        "subjectName": bundle.leaf.subject.rfc4514_string(),
        "subjectAlternativeNames": bundle.names,
        "issuer": bundle.leaf.issuer.rfc4514_string(),
        "issueDate": _moment(bundle.leaf.not_valid_before_utc),
        "expirationDate": _moment(bundle.leaf.not_valid_after_utc),
        "thumbprint": bundle.thumbprint,
        "publicKeyHash": bundle.key_hash,
    }


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _show(world: World, record: Record) -> Body:
    end = datetime.fromisoformat(record.properties["expirationDate"])
    return {**record.body, "properties": {**record.properties, "valid": clock.now() < end}}


async def _apply(world: World, record: Record, private: Body) -> None:
    try:
        world.runtime.put_certificate(record.key, record.hidden["pem"])
    except ValueError as failure:
        raise refuse("InvalidCertificate", f"The certificate {record.name} cannot be served: {failure}.") from failure


async def _remove(world: World, record: Record) -> None:
    world.runtime.delete_certificate(record.key)


def refresh(world: World) -> None:
    """Take over what has changed in Key Vault since."""
    for record in world.store.records(type=UPLOADED):
        reference = record.properties.get("certificateKeyVaultProperties")
        if reference is None:
            continue
        try:
            bundle = _from_vault(world, record, reference)
        except ArmError as failure:
            log.warning("%s stays as it is: %s", record.id, failure)
            continue
        if bundle.thumbprint != record.properties["thumbprint"]:
            _take_over(world, record, bundle)


def _take_over(world: World, record: Record, bundle: Bundle) -> None:
    try:
        world.runtime.put_certificate(record.key, bundle.pem)
    except ValueError as failure:
        log.warning("%s stays as it is: %s", record.id, failure)
        return
    record.hidden["pem"] = bundle.pem
    record.properties.update(_shown_of(bundle))
    world.store.save(record)


KINDS = (
    Kind(
        UPLOADED,
        name=NameRule(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"),
        put="sync.200",
        delete="sync.delete",
        echo="display",
        system_data=True,
        rank=14,
        kept=COMPUTED,
        write_only=("value", "password"),
        check=_check,
        show=_show,
        apply=_apply,
        remove=_remove,
        deletable=deletable,
    ),
)
