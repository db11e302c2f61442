"""Which revision of a container app serves: what a rollback changes, and nothing else of the app.

https://learn.microsoft.com/azure/container-apps/traffic-splitting
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.clients import Azure
from chatops.engine.resource import Json, Known, Observed, Report, Update
from chatops.resources.app import ContainerApp
from chatops.rollout.back import go_back
from chatops.rollout.rollout import look


@dataclass(frozen=True, kw_only=True)
class Serving(ContainerApp):
    """A container app that is declared as far as the revision goes that has all its traffic."""

    revision: str

    @classmethod
    def of(cls, app: ContainerApp, revision: str) -> Serving:
        return cls(**vars(app), revision=revision)

    def body(self, known: Known) -> Json:
        return {"revision": self.revision}

    def read(self, azure: Azure) -> Observed | None:
        app, now = look(azure, self.place)
        seen = self.found(app)
        note = "" if now.settled else str(now)
        return Observed({"revision": now.serving if now.settled else f"{now.serving}, in part"}, seen.busy, note=note)

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        go_back(azure, self.place, self.revision, self.gate.ready_within, report)

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        raise NotImplementedError("who serves is only ever changed")
