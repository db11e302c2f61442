"""Custom domains: host names of one's own for external services, with a certificate each.

https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from chatops.config.schema.rules import Says, Section, matching, refuse
from chatops.config.schema.services import Called, Service
from chatops.domain.hostname import NotAHostName, host_name

MANAGED = "managed"
FILES = (".pfx", ".p12", ".pem")
VAULT_SECRET = re.compile(r"https://[a-zA-Z0-9-]{3,24}\.vault\.[a-z.]+/secrets/[A-Za-z0-9-]{1,127}(/[0-9a-f]{32})?")


def _host(value: str) -> str:
    """The name in the form of DNS; its length is checked where its certificate is known."""
    try:
        return host_name(value, managed=False)
    except NotAHostName as error:
        raise refuse(error.refusal.found, "a host name like chat.example.org", error.refusal.do) from None


HostName = Annotated[str, AfterValidator(_host), Says("a host name like chat.example.org")]


def _certificate(value: str, info: ValidationInfo) -> str:
    """`managed`, a secret's URL, or the absolute path of a file that is there."""
    if value == MANAGED or VAULT_SECRET.fullmatch(value):
        return value
    expected = f"{MANAGED}, a {', '.join(FILES)} file, or https://<vault>.vault.azure.net/secrets/<name>"
    if not value.lower().endswith(FILES):
        raise refuse(f'"{value}" is no certificate', expected)
    path = (Path((info.context or {}).get("folder", ".")) / value).resolve()
    if not path.is_file():
        raise refuse(f"there is no file {value}", expected, "paths are taken from this file's own folder")
    return str(path)


class Domain(Section):
    """One host name of one's own."""

    service: Called = Field(default="ui", description="The service that the name leads to. It must be external.")
    zone: HostName | None = Field(
        default=None,
        description="Zone in Azure DNS that the name lies in: its records are made. Null: they are shown to be typed.",
    )
    zone_resource_group: Annotated[str, matching(r"[\w.()-]{1,90}"), Says("the name of a resource group")] | None = (
        Field(
            default=None,
            description="Resource group of a zone that is there. Null: the stack makes the zone, and deletes it.",
        )
    )
    apex: bool | None = Field(
        default=None,
        description="Whether the name is its zone's own (an A record then). Null: as the zone says, else by its dots.",
    )
    certificate: Annotated[
        str,
        AfterValidator(_certificate),
        Says(f"{MANAGED}, a .pfx or .pem file's path, or a Key Vault secret's URL"),
    ] = Field(default=MANAGED, description="The certificate: Azure's own, renewed by it, or one that you bring.")

    @field_validator("zone_resource_group")
    @classmethod
    def _of_a_zone(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("zone") is None:
            raise refuse("the resource group of no zone", "a zone beside it", "zone: its name, as in example.org")
        return value

    @property
    def managed(self) -> bool:
        """Azure issues and renews the certificate."""
        return self.certificate == MANAGED

    @property
    def in_vault(self) -> bool:
        """The certificate is a secret of a key vault."""
        return self.certificate.startswith("https://")

    def is_apex(self, host: str) -> bool:
        """Tell whether `host` is its zone's own name, where no CNAME may stand."""
        if self.apex is not None:
            return self.apex
        return host == self.zone if self.zone else host.count(".") == 1


def check(host: str, domain: Domain, services: Mapping[str, Service]) -> None:
    """Check what a name, its section and its service have to do with each other."""
    if (service := services.get(domain.service)) and not service.external:
        found = f"{host} leads to {domain.service}, which is not external"
        raise refuse(found, "an external service", f"services.{domain.service}.external: true makes it one")
    if domain.zone and host != domain.zone and not host.endswith(f".{domain.zone}"):
        raise refuse(f"{host} does not lie in the zone {domain.zone}", f"a zone that {host} ends with")
    try:
        host_name(host, managed=domain.managed)
    except NotAHostName as error:
        raise refuse(error.refusal.found, None, error.refusal.do) from None
