"""A resource that carries the stack's tag, but that the configuration no longer names: it can only be deleted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.azure.calls import deleting, wait
from chatops.azure.clients import Azure
from chatops.engine.resource import Json, Known, Report, Update
from chatops.resources.arm import ArmResource


@dataclass(frozen=True, kw_only=True)
class Orphan(ArmResource):
    """A resource of any ARM kind."""

    kind: type[ArmResource]

    @property
    def label(self) -> str:
        return f"{self.kind.words} '{self.name}'"

    def body(self, known: Known) -> Json:
        return {}

    def create(self, azure: Azure, body: Any, report: Report) -> None:
        raise NotImplementedError("an orphan is only ever deleted")

    def update(self, azure: Azure, update: Update, report: Report) -> None:
        raise NotImplementedError("an orphan is only ever deleted")

    def delete(self, azure: Azure, report: Report) -> None:
        with deleting(self.label):
            wait(
                azure.resources.resources.begin_delete_by_id(self.id, api_version=self.kind.api_version),
                azure.stop,
                self.longest,
            )
