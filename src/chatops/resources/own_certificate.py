"""Certificate of the operator's own, in the apps' environment. https://learn.microsoft.com/azure/templates/microsoft.app/managedenvironments/certificates

From a file it is compared by thumbprint; key and password go into the request and nowhere else. From a Key Vault the
environment fetches it itself, and again when it is renewed there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import calling, deleting
from chatops.azure.clients import Azure
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.domain import own
from chatops.engine.resource import Json, Known, Report, Update
from chatops.resources.arm import ArmResource, writable
from chatops.resources.host import APP_VERSION, Host

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import types


@dataclass(frozen=True, kw_only=True)
class OwnCertificate(ArmResource):
    """`source` is the path of a .pfx or .pem file, or the URL of a vault's secret that `identity_id` may read."""

    type = "Microsoft.App/managedEnvironments/certificates"
    words = "certificate"
    api_version = APP_VERSION
    goes_with_parent = True

    location: str
    tags: dict[str, str]
    host: Host
    source: str
    identity_id: str

    @property
    def label(self) -> str:
        return f"certificate of '{self.host.name}' from {self.source.rsplit('/', 1)[-1]}"

    @property
    def environment(self) -> str:
        return self.id.split("/")[8]

    @property
    def in_vault(self) -> bool:
        return self.source.startswith("https://")

    def body(self, known: Known) -> Json:
        return {"location": self.location, "tags": self.tags, "properties": self._compared()}

    def _compared(self) -> Json:
        if not self.in_vault:
            return {"thumbprint": self._file().thumbprint}
        place: types.CertificateKeyVaultProperties = {"identity": self.identity_id, "keyVaultUrl": self.source}
        return {"certificateKeyVaultProperties": place}

    def _file(self) -> own.OwnCertificate:
        return own.read(Path(self.source), os.environ.get(own.PASSWORD, ""), self.host.name)

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        properties = self._compared()
        if not self.in_vault:
            file = self._file()
            properties = {"value": file.value, "password": file.password}
        wire: Any = {**writable(body), "properties": properties}
        with calling("uploading", self.label):
            certificates = azure.container_apps.certificates
            certificates.create_or_update(self.group, self.environment, self.name, wire)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        self.create(azure, update.whole, report)

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            azure.container_apps.certificates.delete(self.group, self.environment, self.name)
