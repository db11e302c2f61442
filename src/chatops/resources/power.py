"""Whether an app or a database server runs or is stopped: beside what is declared of it, and changed by verbs.

https://learn.microsoft.com/rest/api/containerapps/container-apps/stop and
https://learn.microsoft.com/azure/postgresql/flexible-server/how-to-stop-server
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import calling, wait
from chatops.azure.clients import Azure
from chatops.engine.resource import Json, Known, Observed, Report, Update
from chatops.resources.app import ContainerApp
from chatops.resources.arm import ArmResource
from chatops.resources.postgres import PostgresServer

RUNNING, STOPPED = "Running", "Stopped"
SELF_START_DAYS = 7
"""After so many days Azure starts a stopped database server again by itself."""


@dataclass(frozen=True, kw_only=True)
class Power(ArmResource):
    """What `of` is to be: running or stopped. It is there as long as `of` is, and neither made nor deleted."""

    of: ContainerApp | PostgresServer
    wanted: str

    @classmethod
    def over(cls, of: ContainerApp | PostgresServer, wanted: str, needs: tuple[str, ...] = ()) -> Power:
        return cls(address=f"power/{of.name}", id=of.id, needs=needs, parent=None, of=of, wanted=wanted)

    @property
    def label(self) -> str:
        return self.of.label

    @property
    def patience(self) -> float:
        return self.of.patience

    def body(self, known: Known) -> Json:
        return {"power": self.wanted}

    def read(self, azure: Azure) -> Observed | None:
        found = self.of.read(azure)
        return found and Observed({"power": power_of(found.body)}, busy=found.busy)

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        raise AssertionError("power is there where its resource is")

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        doing = "stopping" if self.wanted == STOPPED else "starting"
        with calling(doing, self.of.label):
            wait(self._verb(azure)(self.group, self.name), azure.stop, self.of.longest)

    def _verb(self, azure: Azure) -> Callable[[str, str], Any]:
        if isinstance(self.of, ContainerApp):
            apps = azure.container_apps.container_apps
            return apps.begin_stop if self.wanted == STOPPED else apps.begin_start
        servers = azure.postgres.servers
        return servers.begin_stop if self.wanted == STOPPED else servers.begin_start

    def delete(self, azure: Azure, report: Report) -> None:
        raise AssertionError("power goes with its resource")


def power_of(body: Json) -> str:
    """Whether an app's or a server's body says that it was stopped."""
    properties = body["properties"]
    return STOPPED if STOPPED in (properties.get("runningStatus"), properties.get("state")) else RUNNING
