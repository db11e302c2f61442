"""Certificate that Azure issues and renews. https://learn.microsoft.com/azure/templates/microsoft.app/managedenvironments/managedcertificates

It is validated by the very records that lead people to the app: by CNAME, or over HTTP at a zone's own name.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chatops.azure.calls import calling, deleting, wait
from chatops.azure.clients import Azure
from chatops.azure.limits import at_most
from chatops.cost.meter import NO_CHARGE, Meters
from chatops.domain.doctor import diagnose
from chatops.domain.finding import Certificate
from chatops.engine.resource import Json, Known, Report, Update
from chatops.errors import ChatopsError, Interrupted, OperationFailed
from chatops.resources.arm import ArmResource
from chatops.resources.host import APP_VERSION, LOOK_AGAIN_SECONDS, SETTLE_SECONDS, Host

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import types


@dataclass(frozen=True, kw_only=True)
class ManagedCertificate(ArmResource):
    type = "Microsoft.App/managedEnvironments/managedCertificates"
    words = "managed certificate"
    api_version = APP_VERSION
    goes_with_parent = True
    immutable = frozenset({"location", "properties.subjectName"})
    longest = 1800.0

    location: str
    tags: dict[str, str]
    host: Host

    @property
    def label(self) -> str:
        return f"managed certificate of '{self.host.name}'"

    @property
    def environment(self) -> str:
        return self.id.split("/")[8]

    def body(self, known: Known) -> Json:
        properties: types.ManagedCertificateProperties = {"subjectName": self.host.name}
        return {"location": self.location, "tags": self.tags, "properties": properties}

    def meters(self, body: Any) -> Meters:
        return NO_CHARGE

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        self._ask_first(azure, report)
        how = {"domainControlValidation": "HTTP" if self.host.apex else "CNAME"}
        body = {**body, "properties": {**body["properties"], **how}}
        report("asked for; issuing takes a minute or two as a rule, 20 at worst")
        try:
            with calling("issuing", self.label):
                certificates = azure.container_apps.managed_certificates
                poller = certificates.begin_create_or_update(self.group, self.environment, self.name, body)
                wait(poller, azure.stop, self.longest)
        except OperationFailed as error:
            raise self._explained(azure, error) from error

    def _ask_first(self, azure: Azure, report: Report) -> None:
        """Ask for no certificate that cannot be issued: a refusal by the issuer takes minutes, and counts."""
        deadline = time.monotonic() + at_most(SETTLE_SECONDS)
        wanted = replace(self.host.wanted(azure), certificate=Certificate())
        while finding := diagnose(self.host.seen(azure), wanted, ("zone", "route", "app", "certificate")):
            if time.monotonic() > deadline or not self.host.settles(finding):
                raise ChatopsError(f"issuing {self.label}: {finding}", finding.hint)
            report(f"{finding}; waiting until the name servers have it")
            if azure.stop.wait(LOOK_AGAIN_SECONDS):
                raise Interrupted("stopped waiting for a record")

    def _explained(self, azure: Azure, error: OperationFailed) -> ChatopsError:
        """Say what the doctor finds, beside what Azure says."""
        finding = self.host.finding(azure)
        if finding is None or finding.code == "certificate-failed":
            return error
        return OperationFailed(error.what, f"{error.cause}; {finding}", code=error.code, hint=finding.hint)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        """Tags change in place. One that failed stays failed: it is taken away and asked for again."""
        if not self._failed(azure):
            with calling("updating", self.label):
                certificates = azure.container_apps.managed_certificates
                certificates.update(self.group, self.environment, self.name, {"tags": self.tags})
            return
        self.delete(azure, report)
        self.create(azure, self.body(Known({})), report)

    def _failed(self, azure: Azure) -> bool:
        found = self.read(azure)
        return found is not None and found.broken

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            azure.container_apps.managed_certificates.delete(self.group, self.environment, self.name)
