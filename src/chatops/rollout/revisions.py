"""The revisions of one container app, read live and acted on.

https://learn.microsoft.com/azure/container-apps/revisions
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, wait
from chatops.azure.clients import Azure

Json = dict[str, Any]
API_VERSION = "2026-01-01"


@dataclass(frozen=True)
class Revision:
    """One revision as Azure shows it. `by` is who made it, where Azure says so; times are ISO 8601."""

    name: str
    created: str
    active: bool
    traffic: int
    health: str
    running: str
    provisioning: str
    error: str
    replicas: int
    fqdn: str
    image: str
    by: str
    template: Json

    @classmethod
    def of(cls, body: Json) -> Revision:
        properties = body.get("properties") or {}
        template = properties.get("template") or {}
        containers = template.get("containers") or [{}]
        return cls(
            name=str(body["name"]),
            created=str(properties.get("createdTime") or ""),
            active=bool(properties.get("active")),
            traffic=int(properties.get("trafficWeight") or 0),
            health=str(properties.get("healthState") or "None"),
            running=str(properties.get("runningState") or "Unknown"),
            provisioning=str(properties.get("provisioningState") or ""),
            error=str(properties.get("provisioningError") or ""),
            replicas=int(properties.get("replicas") or 0),
            fqdn=str(properties.get("fqdn") or ""),
            image=str(containers[0].get("image") or ""),
            by=str((body.get("systemData") or {}).get("createdBy") or ""),
            template=template,
        )


@dataclass(frozen=True)
class Place:
    """Which container app: its ARM id, and how long one operation on it may take, in seconds."""

    id: str
    longest: float = 900.0

    @property
    def group(self) -> str:
        return self.id.split("/")[4]

    @property
    def name(self) -> str:
        return self.id.rsplit("/", 1)[-1]

    @property
    def label(self) -> str:
        return f"container app '{self.name}'"

    def app(self, azure: Azure) -> Json | None:
        return azure.read(self.id, API_VERSION)

    def revision(self, azure: Azure, name: str) -> Revision | None:
        found = azure.read(f"{self.id}/revisions/{name}", API_VERSION)
        return Revision.of(found) if found else None

    def revisions(self, azure: Azure) -> list[Revision]:
        """All that Azure still knows, the newest first."""
        with calling("listing revisions of", self.label):
            listed = azure.container_apps.container_apps_revisions.list_revisions(self.group, self.name)
            found = [Revision.of(one.as_dict()) for one in listed]
        return sorted(found, key=lambda one: one.created, reverse=True)

    def patch(self, azure: Azure, body: Json) -> Json:
        """Write a JSON merge patch, wait for the operation, and return the app as it is then."""
        with calling("updating", self.label):
            sent: Any = body
            wait(
                azure.container_apps.container_apps.begin_update(self.group, self.name, sent), azure.stop, self.longest
            )
        return self.app(azure) or {}

    def activate(self, azure: Azure, revision: str) -> None:
        with calling("activating", f"revision '{revision}'"):
            azure.container_apps.container_apps_revisions.activate_revision(self.group, self.name, revision)

    def deactivate(self, azure: Azure, revision: str) -> None:
        with calling("deactivating", f"revision '{revision}'"):
            azure.container_apps.container_apps_revisions.deactivate_revision(self.group, self.name, revision)
